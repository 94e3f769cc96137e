package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

func TestWhatAnAnswerMeansForTheJob(t *testing.T) {
	t.Parallel()
	var snooze *rivertype.JobSnoozeError
	var cancel *rivertype.JobCancelError
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		err  error
		want func(error) bool
	}{
		"nil is done":                       {nil, func(err error) bool { return err == nil }},
		"later comes again after its time":  {&engine.Later{After: time.Minute}, func(err error) bool { return errors.As(err, &snooze) && snooze.Duration == time.Minute }},
		"a conflict looks again":            {expansion.Errorf(expansion.CodeConflict, "x"), func(err error) bool { return errors.As(err, &snooze) }},
		"a busy database looks again":       {expansion.Errorf(expansion.CodeUnavailable, "x"), func(err error) bool { return errors.As(err, &snooze) }},
		"what a person has to mend stops":   {expansion.Errorf(expansion.CodeInvalid, "x"), func(err error) bool { return errors.As(err, &cancel) }},
		"nobody to send it to stops":        {expansion.Errorf(expansion.CodeNoRecipient, "x"), func(err error) bool { return errors.As(err, &cancel) }},
		"anything else is tried once more":  {boom, func(err error) bool { return errors.Is(err, boom) }},
		"a negative wait is no wait at all": {&engine.Later{After: -time.Second}, func(err error) bool { return errors.As(err, &snooze) && snooze.Duration == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := worker[engine.PlanArgs]{do: func(context.Context, engine.PlanArgs) error { return c.err }}
			if err := w.Work(context.Background(), &river.Job[engine.PlanArgs]{JobRow: &rivertype.JobRow{ID: 7}}); !c.want(err) {
				t.Fatalf("got %v (%T)", err, err)
			}
		})
	}
}

func TestRetriesFollowTheProductsClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 3, 10, 9, 0, 0, 0, time.UTC)
	r := retry{expansion.ClockFunc(func() time.Time { return now })}
	for tries, most := range map[int]time.Duration{0: 5 * time.Second, 3: 40 * time.Second, 50: 2 * time.Minute} {
		next := r.NextRetry(&rivertype.JobRow{Errors: make([]rivertype.AttemptError, tries)})
		if wait := next.Sub(now); wait <= 0 || wait > most {
			t.Errorf("after %d failures it waits %v, want above 0 and at most %v", tries, wait, most)
		}
	}
}

// An interaction that was kept and not yet worked when the process died is worked by
// the next one, once.
func TestAKeptInteractionIsWorkedByTheNextProcess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		clock := expansion.ClockFunc(time.Now)
		log := slog.New(slog.DiscardHandler)
		s := storetest.Open(t, dsn, clock)
		e, err := engine.New(ctx, engine.Config{Store: s, Clock: clock, Policy: route.DefaultText(), Live: true, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		env := engine.Envelope{ID: "env-1", Kind: "action", User: "U1", Payload: []byte(`{"type":"block_actions"}`)}
		for range 2 {
			if _, err := e.Receive(ctx, env); err != nil {
				t.Fatal(err)
			}
		}
		began := make(chan struct{})
		var worked atomic.Int32
		first, err := Start(ctx, s, e, clock, func(ctx context.Context, _ engine.Envelope) error {
			close(began)
			<-ctx.Done() // dies in the middle
			return ctx.Err()
		}, log)
		if err != nil {
			t.Fatal(err)
		}
		<-began
		dead, die := context.WithCancel(ctx)
		die()
		if err := first.Stop(dead); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("stopping in the middle: %v", err)
		}
		if err := untilDue(ctx, s); err != nil {
			t.Fatal(err)
		}
		done := make(chan engine.Envelope, 2)
		second, err := Start(ctx, s, e, clock, func(_ context.Context, got engine.Envelope) error {
			worked.Add(1)
			done <- got
			return nil
		}, log)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := second.Stop(ctx); err != nil {
				t.Error(err)
			}
		}()
		select {
		case got := <-done:
			if got.ID != env.ID || string(got.Payload) != string(env.Payload) {
				t.Fatalf("worked %+v", got)
			}
		case <-ctx.Done():
			t.Fatal("the interaction was never worked")
		}
		if n := worked.Load(); n != 1 {
			t.Fatalf("worked %d times", n)
		}
	})
}

// untilDue waits until the job of the dead process can be worked again:
// one cut off by its context waits for a retry, which is brought forward here.
func untilDue(ctx context.Context, s *store.Store) error {
	for {
		if _, err := s.WakeDueJobs(ctx, time.Now().Add(time.Hour)); err != nil {
			return err
		}
		n, err := s.JobsDue(ctx)
		if err != nil || n > 0 {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
