package slack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"

	"github.com/slack-go/slack"
)

// post calls a method by hand and returns the answer.
func (w *world) post(token, method string, form url.Values) map[string]any {
	w.t.Helper()
	req, err := http.NewRequest("POST", w.APIURL()+method, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		w.t.Fatalf("%s: %v in %s", method, err, b)
	}
	return out
}

func TestTokensAndScopes(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, tt := range []struct{ name, token, method, want string }{
		{"no token", "", "auth.test", "not_authed"},
		{"unknown token", "xoxb-wrong", "auth.test", "invalid_auth"},
		{"app token on a bot method", appToken, "auth.test", "not_allowed_token_type"},
		{"bot token on the app method", botToken, "apps.connections.open", "not_allowed_token_type"},
		{"method that does not exist", botToken, "chat.shout", "unknown_method"},
		{"scope that was not granted", botToken, "team.info", "missing_scope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.post(tt.token, tt.method, nil)
			if got["error"] != tt.want || got["ok"] != false {
				t.Errorf("got %v, want %s", got, tt.want)
			}
			if tt.want == "missing_scope" && (got["needed"] != "team:read" || !strings.Contains(got["provided"].(string), "chat:write")) {
				t.Errorf("got %v", got)
			}
		})
	}
	w.violated("unknown method chat.shout")
	if got := w.post("", "auth.test", url.Values{"token": {botToken}}); got["ok"] != true || got["user_id"] != w.BotUserID() {
		t.Errorf("form token: %v", got)
	}
	_, err := w.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: "C1"})
	code(t, err, "missing_scope") // the manifest asks for im:history only
}

func TestNewRefusesHalfAConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]sandbox.Config{
		"tokens": {Clock: time.Now}, "Clock": {BotToken: "a", AppToken: "b"}, "different": {BotToken: "a", AppToken: "a", Clock: time.Now},
		"slash": {BotToken: "a", AppToken: "b", Clock: time.Now, BaseURL: "http://127.0.0.1/"},
	} {
		if _, err := sandbox.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPostingRules(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.SetLimits(false)
	w.PutUser(sandbox.User{ID: "U3", Handle: "gone", Deleted: true})
	w.PutChannel(sandbox.Channel{ID: "C3", Name: "old", Members: []string{"U1", w.BotUserID()}, Archived: true})
	w.PutChannel(sandbox.Channel{ID: "C4", Name: "secret", Members: []string{"U1"}, Private: true})
	hello := slack.MsgOptionText("hello", false)
	for _, tt := range []struct {
		name, channel, want, violation string
		opts                           []slack.MsgOption
	}{
		{"unknown channel", "C9", "channel_not_found", "", []slack.MsgOption{hello}},
		{"channel the bot is not in", "C2", "not_in_channel", "", []slack.MsgOption{hello}},
		{"archived channel", "C3", "is_archived", "", []slack.MsgOption{hello}},
		{"private channel the bot is not in", "C4", "channel_not_found", "", []slack.MsgOption{hello}},
		{"no text at all", "C1", "no_text", "neither text nor blocks", nil},
		{"blocks without text", "C1", "", "blocks without fallback text", []slack.MsgOption{slack.MsgOptionBlocks(slack.NewDividerBlock())}},
		{"block over its limit", "C1", "invalid_blocks", "less than 151", []slack.MsgOption{hello, slack.MsgOptionBlocks(slack.NewHeaderBlock(plainText(strings.Repeat("ü", 151))))}},
		{"too much in all", "C1", "msg_blocks_too_long", "characters of blocks", []slack.MsgOption{hello, slack.MsgOptionBlocks(slices.Repeat([]slack.Block{slack.NewSectionBlock(mrkdwn(strings.Repeat("x", 2900)), nil, nil)}, 5)...)}},
		{"metadata without type", "C1", "invalid_metadata_schema", "invalid_metadata_schema", []slack.MsgOption{hello, slack.MsgOptionMetadata(slack.SlackMetadata{EventPayload: map[string]any{"a": 1}})}},
		{"metadata too large", "C1", "metadata_too_large", "metadata_too_large", []slack.MsgOption{hello, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "x", EventPayload: map[string]any{"a": strings.Repeat("x", 9000)}})}},
		{"broadcast in text", "C1", "", "live <!channel>", []slack.MsgOption{slack.MsgOptionText("hi <!channel>", false)}},
		{"broadcast in mrkdwn", "C1", "", "live broadcast mention", []slack.MsgOption{hello, slack.MsgOptionBlocks(slack.NewSectionBlock(mrkdwn("<!here|here>"), nil, nil))}},
		{"reply to nothing", "C1", "thread_not_found", "", []slack.MsgOption{hello, slack.MsgOptionTS("1.000001")}},
		{"by channel name", "#expansion-ops", "", "", []slack.MsgOption{hello}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.ForgetViolations()
			_, ts, err := w.api.PostMessage(tt.channel, tt.opts...)
			code(t, err, tt.want)
			if (ts != "") != (tt.want == "") {
				t.Errorf("ts: %q", ts)
			}
			if tt.violation == "" {
				w.clean()
			} else {
				w.violated(tt.violation)
			}
		})
	}
	w.ForgetViolations()
	for user, want := range map[string]string{"U3": "user_disabled", "U9": "user_not_found"} {
		_, _, _, err := w.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{user}})
		code(t, err, want)
	}
	ch, _, open, err := w.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"U1"}, ReturnIM: true})
	if err != nil || open || ch.ID != w.BotDM("U1") || !ch.IsIM {
		t.Errorf("open: %+v %v %v", ch, open, err)
	}
	if _, _, open, _ := w.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"U1"}}); !open {
		t.Error("a second open must say already_open")
	}
	w.clean()
}

func TestErrorsCarryPointers(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.post(botToken, "chat.postMessage", url.Values{"channel": {"C1"}, "text": {"x"}, "blocks": {`[{"type":"header","text":{"type":"plain_text","text":"ok"},"colour":"red"}]`}})
	want := "invalid additional property: colour [json-pointer:/blocks/0]"
	if got["error"] != "invalid_blocks" || fmt.Sprint(got["errors"]) != "["+want+"]" ||
		fmt.Sprint(got["response_metadata"]) != "map[messages:[[ERROR] "+want+"]]" {
		t.Errorf("got %v", got)
	}
	var se slack.SlackErrorResponse
	_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false), slack.MsgOptionBlocks(slack.NewHeaderBlock(mrkdwn("x"))))
	if !errors.As(err, &se) || len(se.ResponseMetadata.Messages) != 1 {
		t.Errorf("slack-go reads %#v", err)
	}
}

func TestUpdateAndDelete(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.SetLimits(false)
	_, ts, err := w.api.PostMessage("C1", slack.MsgOptionText("card", false), slack.MsgOptionBlocks(slack.NewDividerBlock()),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "expansion_card", EventPayload: map[string]any{"key": "k"}}))
	code(t, err, "")
	theirs, err := w.Say("U1", "C1", "", "mine")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = w.api.UpdateMessage("C1", theirs, slack.MsgOptionText("x", false))
	code(t, err, "cant_update_message")
	_, _, err = w.api.DeleteMessage("C1", theirs)
	code(t, err, "cant_delete_message")
	_, _, _, err = w.api.UpdateMessage("C1", "1.000001", slack.MsgOptionText("x", false))
	code(t, err, "message_not_found")
	_, same, _, err := w.api.UpdateMessage("C1", ts, slack.MsgOptionText("card 2", false), slack.MsgOptionBlocks(slack.NewSectionBlock(mrkdwn("two"), nil, nil)))
	if err != nil || same != ts {
		t.Errorf("update: %q, %v", same, err)
	}
	if m := w.Messages("U1", "C1")[0]; m.Text != "card 2" || !m.Edited || m.EditedTS <= ts || !strings.Contains(string(m.Metadata), `"k"`) || !strings.Contains(string(m.Blocks), "two") {
		t.Errorf("updated: %+v", m)
	}
	w.clean()
	_, _, _, err = w.api.UpdateMessage("C1", ts, slack.MsgOptionText(strings.Repeat("x", 4001), false), slack.MsgOptionBlocks())
	code(t, err, "msg_too_long")
	w.violated("text of 4001 characters")
	w.ForgetViolations()
	_, _, _, err = w.api.UpdateMessage("C1", ts, slack.MsgOptionText("text alone", false))
	code(t, err, "")
	w.violated("text without blocks")
	_, _, err = w.api.DeleteMessage("C1", ts)
	code(t, err, "")
	if m := w.Messages("U1", "C1")[0]; !m.Deleted || m.Text != "" {
		t.Errorf("tombstone: %+v", m)
	}
	if st := w.Stats(); st.Posts != 1 || st.Updates != 2 || st.Methods["chat.update"] != 5 {
		t.Errorf("stats: %+v", st)
	}
}

func TestHistoryFindsAPostByItsMetadata(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.SetLimits(false)
	dm := w.BotDM("U1")
	meta := func(key string) slack.MsgOption {
		return slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "expansion_card", EventPayload: map[string]any{"key": key}})
	}
	var all []string
	for i := range 5 {
		_, ts, err := w.api.PostMessage("U1", slack.MsgOptionText("card", false), meta(strconv.Itoa(i)))
		code(t, err, "")
		if len(all) > 0 && ts <= all[len(all)-1] {
			t.Fatalf("ts %s does not rise above %s", ts, all[len(all)-1])
		}
		all = append(all, ts)
	}
	_, _, err := w.api.PostMessage(dm, slack.MsgOptionText("reply", false), slack.MsgOptionTS(all[0]), meta("reply"))
	code(t, err, "")
	history := func(p slack.GetConversationHistoryParameters) *slack.GetConversationHistoryResponse {
		t.Helper()
		p.ChannelID = dm
		h, err := w.api.GetConversationHistory(&p)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := history(slack.GetConversationHistoryParameters{}); len(h.Messages) != 5 || h.Messages[0].Timestamp != all[4] || h.Messages[0].Metadata.EventType != "expansion_card" || h.Messages[0].Metadata.EventPayload != nil {
		t.Errorf("plain: %+v", h.Messages)
	}
	if h := history(slack.GetConversationHistoryParameters{IncludeAllMetadata: true, Oldest: all[2]}); len(h.Messages) != 2 || h.Messages[1].Metadata.EventPayload["key"] != "3" {
		t.Errorf("oldest is exclusive: %+v", h.Messages)
	}
	if h := history(slack.GetConversationHistoryParameters{Oldest: all[2], Latest: all[3], Inclusive: true}); len(h.Messages) != 2 {
		t.Errorf("inclusive: %+v", h.Messages)
	}
	if h := history(slack.GetConversationHistoryParameters{Latest: all[3]}); len(h.Messages) != 3 || h.Messages[0].Timestamp != all[2] {
		t.Errorf("latest is exclusive: %+v", h.Messages)
	}
	if _, err := w.api.PostEphemeral(dm, "U1", slack.MsgOptionText("only here", false)); err != nil {
		t.Fatal(err)
	}
	_, gone, err := w.api.PostMessage(dm, slack.MsgOptionText("taken back", false))
	code(t, err, "")
	_, _, err = w.api.DeleteMessage(dm, gone)
	code(t, err, "")
	if h := history(slack.GetConversationHistoryParameters{}); len(h.Messages) != 5 {
		t.Errorf("history holds ephemeral or deleted messages: %+v", h.Messages)
	}
	one := history(slack.GetConversationHistoryParameters{Limit: 3})
	two := history(slack.GetConversationHistoryParameters{Limit: 3, Cursor: one.ResponseMetaData.NextCursor})
	if !one.HasMore || len(one.Messages) != 3 || two.HasMore || len(two.Messages) != 2 || two.Messages[1].Timestamp != all[0] {
		t.Errorf("pages: %d %v, %d %v", len(one.Messages), one.HasMore, len(two.Messages), two.HasMore)
	}
	_, err = w.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: dm, Oldest: "yesterday"})
	code(t, err, "invalid_ts_oldest")
	_, err = w.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: dm, Cursor: "???"})
	code(t, err, "invalid_cursor")
	replies, _, _, err := w.api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: dm, Timestamp: all[0], IncludeAllMetadata: true})
	if err != nil || len(replies) != 2 || replies[1].Metadata.EventPayload["key"] != "reply" || replies[0].ReplyCount != 1 {
		t.Errorf("replies: %+v, %v", replies, err)
	}
	_, _, _, err = w.api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: dm, Timestamp: "1.000001"})
	code(t, err, "thread_not_found")
	w.clean()
}

func TestPeopleAndChannels(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.PutUser(sandbox.User{ID: "U5", Handle: "eve", Email: "eve@other.example", External: true})
	w.PutChannel(sandbox.Channel{ID: "C5", Name: "shared", Members: []string{"U1", "U5", w.BotUserID()}, External: true})
	u, err := w.api.GetUserInfo("U1")
	if err != nil || u.TZ != "Europe/Berlin" || u.TZOffset != 3600 || u.Profile.Email != "priya@example.com" || u.TeamID != "T0SANDBOX" {
		t.Errorf("user: %+v, %v", u, err)
	}
	if u, err := w.api.GetUserInfo("U5"); err != nil || u.TeamID == "T0SANDBOX" {
		t.Errorf("external user: %+v, %v", u, err)
	}
	_, err = w.api.GetUserInfo("U9")
	code(t, err, "user_not_found")
	if u, err := w.api.GetUserByEmail("MARCUS@example.com"); err != nil || u.ID != "U2" {
		t.Errorf("by e-mail: %+v, %v", u, err)
	}
	_, err = w.api.GetUserByEmail("nobody@example.com")
	code(t, err, "users_not_found")
	us, err := w.api.GetUsers(slack.GetUsersOptionLimit(2))
	if err != nil || len(us) != 4 {
		t.Errorf("users: %d, %v", len(us), err)
	}
	if p, err := w.api.GetUserProfile(&slack.GetUserProfileParameters{UserID: "U1"}); err != nil || p.RealName != "Priya Test" {
		t.Errorf("profile: %+v, %v", p, err)
	}
	if p, err := w.api.GetUserPresence("U1"); err != nil || p.Presence != "active" {
		t.Errorf("presence: %+v, %v", p, err)
	}
	me := "U1"
	if d, err := w.api.GetDNDInfo(&me); err != nil || d.Enabled {
		t.Errorf("dnd: %+v, %v", d, err)
	}
	ch, err := w.api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C5"})
	if err != nil || !ch.IsExtShared || !ch.IsShared || ch.Name != "shared" || !ch.IsMember {
		t.Errorf("channel: %+v, %v", ch, err)
	}
	ids, _, err := w.api.GetUsersInConversation(&slack.GetUsersInConversationParameters{ChannelID: "C5"})
	if err != nil || len(ids) != 3 {
		t.Errorf("members: %v, %v", ids, err)
	}
	cs, _, err := w.api.GetConversations(&slack.GetConversationsParameters{Types: []string{"public_channel"}})
	if err != nil || len(cs) != 3 {
		t.Errorf("list: %d, %v", len(cs), err)
	}
	w.clean()
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := start(t)
	text := slack.MsgOptionText("x", false)
	for i := range 3 {
		if _, _, err := w.api.PostMessage("C1", text); err != nil {
			t.Fatalf("post %d: %v", i, err)
		}
	}
	_, _, err := w.api.PostMessage("C1", text)
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Errorf("fourth post: %v", err)
	}
	if _, _, err := w.api.PostMessage("U1", text); err != nil {
		t.Errorf("another channel has its own bucket: %v", err)
	}
	w.SetLimits(false)
	if _, _, err := w.api.PostMessage("C1", text); err != nil {
		t.Errorf("limits off: %v", err)
	}
	w.SetLimits(true)
	for i := range 20 {
		if _, _, err := w.api.GetConversations(&slack.GetConversationsParameters{}); err != nil {
			t.Fatalf("tier 2 call %d: %v", i, err)
		}
	}
	if _, _, err := w.api.GetConversations(&slack.GetConversationsParameters{}); !errors.As(err, &limited) {
		t.Errorf("tier 2 call 21: %v", err)
	}
	w.clean()
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault  sandbox.Fault
		is     func(error) bool
		posted int
	}{
		{sandbox.RateLimited, func(err error) bool {
			var e *slack.RateLimitedError
			return errors.As(err, &e) && e.RetryAfter == time.Second
		}, 0},
		{sandbox.RateLimitedNoHeader, func(err error) bool { var e slack.StatusCodeError; return errors.As(err, &e) && e.Code == 429 }, 0},
		{sandbox.OKFalseRatelimited, func(err error) bool { return errText(err) == "ratelimited" }, 0},
		{sandbox.Error500HTML, func(err error) bool { var e slack.StatusCodeError; return errors.As(err, &e) && e.Code == 500 }, 0},
		{sandbox.AcceptThenCut, func(err error) bool { var e *url.Error; return errors.As(err, &e) }, 1},
		{sandbox.Error("is_archived"), func(err error) bool { return errText(err) == "is_archived" }, 0},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.FailNext("chat.postMessage", tt.fault, 1)
			_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false))
			if !tt.is(err) {
				t.Errorf("got %v", err)
			}
			if n := len(w.Messages("U1", "C1")); n != tt.posted {
				t.Errorf("%d messages there, want %d", n, tt.posted)
			}
			_, _, err = w.api.PostMessage("C1", slack.MsgOptionText("y", false))
			code(t, err, "")
			w.clean()
		})
	}
	t.Run("hang", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		w.FailNext("*", sandbox.Hang, 1)
		api := slack.New(botToken, slack.OptionAPIURL(w.APIURL()), slack.OptionHTTPClient(&http.Client{Timeout: 50 * time.Millisecond}))
		if _, err := api.AuthTest(); err == nil || !strings.Contains(err.Error(), "Timeout") {
			t.Errorf("got %v", err)
		}
		w.FailNext("auth.test", sandbox.Error500HTML, 5)
		w.FailNext("auth.test", sandbox.Error500HTML, 0)
		_, err := w.api.AuthTest()
		code(t, err, "")
	})
}

func TestWorkspaceWithoutNewerBlocks(t *testing.T) {
	t.Parallel()
	w := start(t)
	table := slack.MsgOptionBlocks(slack.NewTableBlock("t").AddRow(slack.NewTableRawTextCell("a"), slack.NewTableRawTextCell("b")))
	_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false), table)
	code(t, err, "")
	w.SetNewBlocks(false)
	_, _, err = w.api.PostMessage("C1", slack.MsgOptionText("x", false), table)
	code(t, err, "invalid_blocks")
	w.clean()
}
