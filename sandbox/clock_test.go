package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// worker is a program with jobs at given times, following the clock over the wire.
type worker struct {
	mu   sync.Mutex
	jobs []time.Time // sorted
	did  []string    // "job due at X done at Y"
	late time.Duration
	mute bool
	conn *websocket.Conn
	now  time.Time // latest told
}

func follow(t *testing.T, w *World, jobs ...time.Time) *worker {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.Addresses().Clock, "http")+"/follow", nil)
	if err != nil {
		t.Fatal(err)
	}
	k := &worker{jobs: jobs, conn: c}
	told := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m struct {
				Seq int64     `json:"seq"`
				Now time.Time `json:"now"`
			}
			if wsjson.Read(context.Background(), c, &m) != nil {
				return
			}
			k.handle(m.Seq, m.Now)
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() { _ = c.CloseNow(); <-done })
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Fatal("a new follower was not told the time")
	}
	return k
}

func (k *worker) handle(seq int64, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = now
	if k.mute {
		return
	}
	for len(k.jobs) > 0 && !k.jobs[0].After(now) {
		k.late = max(k.late, now.Sub(k.jobs[0]))
		k.did = append(k.did, k.jobs[0].Format(time.RFC3339))
		k.jobs = k.jobs[1:]
	}
	answer := map[string]any{"seq": seq, "idle": true, "next": nil}
	if len(k.jobs) > 0 {
		answer["next"] = k.jobs[0]
	}
	b, _ := json.Marshal(answer)
	_ = k.conn.Write(context.Background(), websocket.MessageText, b)
}

func (k *worker) done() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.did)
}

func TestAdvanceStopsAtEveryDueMark(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	at := func(d time.Duration) time.Time { return tuesday.Add(d) }
	a := follow(t, w, at(time.Hour), at(4*time.Hour), at(60*time.Hour))
	b := follow(t, w, at(90*time.Minute), at(48*time.Hour))
	if err := w.Clock.Advance(t.Context(), at(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := a.done(), []string{at(time.Hour).Format(time.RFC3339), at(4 * time.Hour).Format(time.RFC3339)}; !slices.Equal(got, want) {
		t.Errorf("the first worker did %v, want %v", got, want)
	}
	if got := b.done(); len(got) != 2 {
		t.Errorf("the second worker did %v, want both", got)
	}
	if late := max(a.late, b.late); late > time.Minute {
		t.Errorf("a job was worked %v late: the clock jumped over its mark", late)
	}
	if now := w.Clock.Now(); now.Before(at(48*time.Hour)) || now.After(at(49*time.Hour)) {
		t.Errorf("the clock is at %v", now)
	}
	if err := w.Clock.Advance(t.Context(), at(time.Hour)); err == nil {
		t.Error("the clock went back")
	}
}

func TestAdvanceGivesUpOnABusyFollower(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	w.Clock.limit = 100 * time.Millisecond
	k := follow(t, w)
	k.mu.Lock()
	k.mute = true
	k.mu.Unlock()
	err := w.Clock.Advance(t.Context(), tuesday.Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), "still busy") {
		t.Errorf("got %v, want an error that says who is busy", err)
	}
	_ = k.conn.CloseNow() // killed: nobody is left to wait for
	wait(t, "the follower to be gone", func() bool { return w.Clock.Followers() == 0 })
	if err := w.Clock.Advance(t.Context(), tuesday.Add(time.Hour)); err != nil {
		t.Errorf("after the busy one was killed: %v", err)
	}
}

func TestFollowerThatLeavesDuringAnAdvanceIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	k := follow(t, w)
	k.mu.Lock()
	k.mute = true
	k.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- w.Clock.Advance(t.Context(), tuesday.Add(time.Hour)) }()
	wait(t, "the follower to be asked", func() bool { w.Clock.mu.Lock(); defer w.Clock.mu.Unlock(); return w.Clock.seq > 0 })
	_ = k.conn.CloseNow()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the advance waits for a follower that is gone")
	}
}

func TestClockOverHTTP(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	for _, c := range []struct {
		name, body string
		code       int
		want       time.Time
	}{
		{"by a duration", `{"by":"1h"}`, 200, tuesday.Add(time.Hour)},
		{"to an instant", `{"to":"2026-03-10T12:00:00Z"}`, 200, tuesday.Add(3 * time.Hour)},
		{"to the next morning", `{"next_morning":true}`, 200, tuesday.Add(24 * time.Hour)},
		{"back is refused", `{"to":"2026-03-10T12:00:00Z"}`, 409, tuesday.Add(24 * time.Hour)},
		{"a negative duration is refused", `{"by":"-1h"}`, 400, tuesday.Add(24 * time.Hour)},
		{"nothing asked is refused", `{}`, 400, tuesday.Add(24 * time.Hour)},
		{"an unknown key is refused", `{"for":"1h"}`, 400, tuesday.Add(24 * time.Hour)},
	} {
		res, err := http.Post(w.Addresses().Clock+"/advance", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.code {
			t.Errorf("%s: got %d, want %d", c.name, res.StatusCode, c.code)
		}
		if now := w.Clock.Now(); now.Before(c.want) || now.After(c.want.Add(5*time.Minute)) {
			t.Errorf("%s: the clock is at %v, want %v", c.name, now, c.want)
		}
	}
}

func TestNextMorningIsAWorkingDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ now, want string }{
		{"2026-03-10T09:00:00Z", "2026-03-11T09:00:00Z"},
		{"2026-03-10T03:00:00Z", "2026-03-10T09:00:00Z"},
		{"2026-03-13T10:00:00Z", "2026-03-16T09:00:00Z"}, // Friday to Monday
		{"2026-03-27T10:00:00Z", "2026-03-30T08:00:00Z"}, // over the change to summer time
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		if got := NextMorning(now).Format(time.RFC3339); got != c.want {
			t.Errorf("after %s: got %s, want %s", c.now, got, c.want)
		}
	}
}

func TestFeedArrivesInOrderAsTimePasses(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday})
	if err := w.Clock.Advance(t.Context(), tuesday.Add(time.Minute)); err != nil { // nobody to feed yet
		t.Fatal(err)
	}
	p := &product{refuse: 1}
	w.SetAPI(serveProduct(t, p), "tok")
	wait(t, "the batch that was due, tried again after a 503", func() bool { return len(p.bodies()) == 1 })
	if got := p.bodies()[0]; !strings.Contains(got, `"account_id":"brightwater","metric":"seats_used","day":"2026-03-10","value":132`) {
		t.Errorf("first batch: %s", got)
	}
	if err := w.Clock.Advance(t.Context(), tuesday.Add(25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	got := p.bodies()
	if len(got) != 4 || !strings.Contains(got[1], `"alder"`) || strings.Contains(got[1], `"kestrel"`) || !strings.Contains(got[3], `"day":"2026-03-11"`) {
		t.Errorf("after 25 h %d batches arrived: %v", len(got), got)
	}
}
