package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/app"
	"expansionbot/expansion"
	"expansionbot/sandbox"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/store/storetest"
)

// The size of the company in the benchmarks: a signal on each account, five to a seller.
const (
	benchAccounts = 200
	benchSellers  = 40
	benchCSMs     = 8 // with the sellers within the 50 conversations a minute Slack lets a bot open
)

// paced is the time between two signals that keeps every conversation below one post a
// second: a CSM's turn comes every 8th signal, a seller's every 40th.
const paced = 300 * time.Millisecond

// company is a running product with benchAccounts accounts.
type company struct {
	b     testing.TB
	w     *sandbox.World
	app   *app.App
	url   string
	token string
}

func startCompany(b testing.TB, dsn string) *company {
	b.Helper()
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	w, err := sandbox.Start(ctx, sandbox.Options{Listen: "127.0.0.1:0", NoFeed: true, Log: log})
	must(b, err)
	b.Cleanup(func() { must(b, w.Close()) })
	day := w.Start()
	var people, accounts bytes.Buffer
	fmt.Fprintln(&people, "email,name,role,territory,manager_email,max_open,time_zone,specialties,active,slack_id,crm_owner_id")
	fmt.Fprintln(&accounts, "account_id,name,domain,segment,region,territory,arr_cents,currency,seats_licensed,plan,contract_start,contract_end,csm_email,original_ae_email,crm_id")
	add := func(handle, role, manager string, n int) {
		id := strings.ToUpper("U0" + handle)
		w.Slack.PutUser(slack.User{ID: id, Handle: handle, RealName: handle, Email: handle + "@acme.example", TimeZone: "Europe/Berlin"})
		w.CRM.PutOwner(crm.Owner{ID: strconv.Itoa(n), Email: handle + "@acme.example", First: handle})
		fmt.Fprintf(&people, "%s@acme.example,%s,%s,,%s,,Europe/Berlin,,true,%s,%d\n", handle, handle, role, manager, id, n)
	}
	add("boss", "manager", "", 7000)
	add("ravi", "revops", "", 7001)
	for i := range benchSellers {
		add(fmt.Sprintf("ae%d", i), "ae", "boss@acme.example", 7100+i)
	}
	for i := range benchCSMs {
		add(fmt.Sprintf("csm%d", i), "csm", "boss@acme.example", 7200+i)
	}
	for i := range benchAccounts {
		domain := fmt.Sprintf("c%d.example", i)
		w.CRM.PutCompany(crm.Company{ID: strconv.Itoa(50000 + i), Name: fmt.Sprintf("Company %d", i), Domain: domain})
		fmt.Fprintf(&accounts, "c%d,Company %d,%s,mid,EMEA,,4800000,USD,120,team,%s,%s,csm%d@acme.example,ae%d@acme.example,%d\n", i, i, domain,
			day.AddDate(-1, 1, 0).Format(time.DateOnly), day.AddDate(0, 1, 0).Format(time.DateOnly), i%benchCSMs, i%benchSellers, 50000+i)
	}
	x := w.Addresses()
	c := &company{b: b, w: w}
	c.app, c.url, c.token, err = app.StartLocal(ctx, app.Local{
		SlackAPI: x.SlackAPI, BotToken: x.BotToken, AppToken: x.AppToken, HubSpot: x.HubSpot, CRMToken: x.CRMToken, SMTP: x.SMTP, Clock: x.Clock,
		DSN: dsn, Policy: quickPolicy(b), Admins: []string{"ravi@acme.example"}, Tables: map[string][]byte{"people.csv": people.Bytes(), "accounts.csv": accounts.Bytes()}, Log: log,
	})
	must(b, err)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.app.Run(run) }()
	b.Cleanup(func() {
		stop()
		must(b, <-ended)
	})
	c.until("the bot is connected", func() bool {
		st, err := c.app.Engine.Stages(ctx)
		return c.app.Ready() && err == nil && len(st) > 0
	})
	return c
}

func (c *company) until(what string, ok func() bool) {
	c.b.Helper()
	end := time.NewTimer(3 * time.Minute)
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-end.C:
			c.b.Fatalf("waited 3 minutes in vain: %s", what)
		}
	}
}

// signal posts a signal on account i and returns its id and when it was kept.
func (c *company) signal(i int) (expansion.SignalID, time.Time, error) {
	body, err := json.Marshal(map[string]any{
		"customerId": fmt.Sprintf("c%d", i), "signalType": "explicit_request", "signalStrength": "strong", "source": "manual",
		"sourceReference": fmt.Sprintf("bench-%d", i), "what": "They asked for 30 more seats.", "by": fmt.Sprintf("csm%d@%s", i%benchCSMs, world.Domain),
	})
	if err != nil {
		return "", time.Time{}, err
	}
	req, err := http.NewRequest(http.MethodPost, c.url+"/api/expansion/signal", bytes.NewReader(body))
	if err != nil {
		return "", time.Time{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", time.Time{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", time.Time{}, err
	}
	var got struct {
		ID         expansion.SignalID `json:"id"`
		DetectedAt time.Time          `json:"detectedAt"`
	}
	if res.StatusCode != http.StatusCreated {
		return "", time.Time{}, fmt.Errorf("%s: %s", res.Status, b)
	}
	return got.ID, got.DetectedAt, json.Unmarshal(b, &got)
}

// handoffs posts a signal on every account, one each every interval (0 = all at once),
// and returns the time from kept to the card's first try and from there to accepted.
func (c *company) handoffs(every time.Duration) (toTry, toAccept, all []time.Duration) {
	c.b.Helper()
	ids, kept := make([]expansion.SignalID, benchAccounts), make([]time.Time, benchAccounts)
	errs := make([]error, benchAccounts)
	var wg sync.WaitGroup
	if every == 0 {
		every = time.Microsecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range benchAccounts {
		<-tick.C
		wg.Go(func() { ids[i], kept[i], errs[i] = c.signal(i) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			c.b.Fatalf("signal %d: %v", i, err)
		}
	}
	for i := range ids {
		c.until(fmt.Sprintf("the card of signal %d is accepted", i), func() bool {
			ds, err := c.app.Store.DeliveriesOf(context.Background(), ids[i])
			must(c.b, err)
			for _, d := range ds {
				if d.Channel != "slack" || d.Kind != string(expansion.CardHandoff) || d.Remote == "" {
					continue
				}
				at := slackTime(c.b, d.Remote)
				toTry = append(toTry, d.FirstTryAt.Sub(kept[i]))
				toAccept = append(toAccept, at.Sub(*d.FirstTryAt))
				all = append(all, at.Sub(kept[i]))
				return true
			}
			return false
		})
	}
	return toTry, toAccept, all
}

// slackTime is when Slack accepted a message, by the sandbox's clock.
func slackTime(b testing.TB, ts string) time.Time {
	b.Helper()
	n, err := strconv.ParseInt(strings.Replace(ts, ".", "", 1), 10, 64)
	must(b, err)
	return time.UnixMicro(n)
}

// percentile is the p-th percentile of ds in milliseconds.
func percentile(ds []time.Duration, p int) float64 {
	s := slices.Sorted(slices.Values(ds))
	return float64(s[min(len(s)-1, len(s)*p/100)].Microseconds()) / 1000
}

func benchStores(b *testing.B, fn func(b *testing.B, dsn string)) {
	b.Run("sqlite", func(b *testing.B) { fn(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { fn(b, storetest.PostgresDSN(b)) })
}

// Goal: p95 below 1 s from the signal's commit to the seller's card accepted by Slack.
func BenchmarkSignalToCard(b *testing.B) {
	benchStores(b, func(b *testing.B, dsn string) {
		c := startCompany(b, dsn)
		b.ResetTimer()
		toTry, toAccept, all := c.handoffs(paced)
		b.StopTimer()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(percentile(toTry, 95), "queued-p95-ms")
		b.ReportMetric(percentile(toAccept, 95), "turn+call-p95-ms")
		b.ReportMetric(percentile(all, 50), "p50-ms")
		b.ReportMetric(percentile(all, 95), "p95-ms")
		b.ReportMetric(percentile(all, 100), "max-ms")
		if p := percentile(all, 95); p >= 1000 {
			b.Errorf("p95 is %.0f ms, want below 1000", p)
		}
	})
}

// The same all at once: what is waited for a free worker and for a turn in a conversation
// (Slack takes a message a second) is shown apart.
func BenchmarkSignalToCardAtFullSpeed(b *testing.B) {
	benchStores(b, func(b *testing.B, dsn string) {
		c := startCompany(b, dsn)
		b.ResetTimer()
		toTry, toAccept, all := c.handoffs(0)
		b.StopTimer()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(percentile(toTry, 95), "queued-p95-ms")
		b.ReportMetric(percentile(toAccept, 95), "turn+call-p95-ms")
		b.ReportMetric(percentile(all, 95), "p95-ms")
	})
}

// Goal: p99 below 250 ms from a press to its ack, at 200 presses a second.
func BenchmarkAckAt200PressesASecond(b *testing.B) {
	benchStores(b, func(b *testing.B, dsn string) {
		c := startCompany(b, dsn)
		c.handoffs(0)
		type button struct {
			user, channel, ts, action string
		}
		var buttons []button
		for i := range benchSellers {
			user := fmt.Sprintf("U0AE%d", i)
			dm := c.w.Slack.BotDM(user)
			for _, m := range c.w.Slack.Messages(user, dm) {
				var blocks []struct {
					Elements []struct {
						ActionID string          `json:"action_id"`
						Text     json.RawMessage `json:"text"`
					} `json:"elements"`
				}
				if json.Unmarshal(m.Blocks, &blocks) != nil {
					continue
				}
				for _, x := range blocks {
					for _, e := range x.Elements {
						if e.ActionID != "" && bytes.Contains(e.Text, []byte(`"Acknowledge"`)) {
							buttons = append(buttons, button{user, dm, m.TS, e.ActionID})
						}
					}
				}
			}
		}
		if len(buttons) < benchAccounts {
			b.Fatalf("%d cards to press on, want %d", len(buttons), benchAccounts)
		}
		took := make([]time.Duration, 2*len(buttons)) // every card twice at once: half are second presses
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		var wg sync.WaitGroup
		var bad sync.Map
		b.ResetTimer()
		for i, x := range buttons {
			<-tick.C
			for k := range 2 {
				wg.Go(func() {
					began := time.Now()
					out, err := c.w.Slack.Press(context.Background(), x.user, slack.Target{Channel: x.channel, TS: x.ts}, "", x.action, nil)
					if err != nil && strings.Contains(err.Error(), "no element") {
						return // the card was edited meanwhile: nobody can press what is gone
					}
					took[2*i+k] = time.Since(began)
					if err != nil || out.Text != "" {
						bad.Store(2*i+k, fmt.Sprint(err, out.Text))
					}
				})
			}
		}
		wg.Wait()
		b.StopTimer()
		bad.Range(func(k, v any) bool { b.Errorf("press %v: %v", k, v); return true })
		took = slices.DeleteFunc(took, func(d time.Duration) bool { return d == 0 })
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(len(took)), "presses")
		b.ReportMetric(percentile(took, 50), "p50-ms")
		b.ReportMetric(percentile(took, 99), "p99-ms")
		if p := percentile(took, 99); p >= 250 {
			b.Errorf("p99 is %.0f ms, want below 250", p)
		}
	})
}
