// Package jobs works the durable jobs: each worker calls one verb of the engine. Jobs
// live in the store beside the rows they are about; River works them.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
)

// Bounds of the queue. Engine research: 50 workers do about 1,000 jobs/s; a job longer
// than jobTimeout is taken for stuck, and one of a dead process is worked again a little
// after that (River's default is an hour).
const (
	workers      = 50
	emailWorkers = 8
	crmWorkers   = 4 // a CRM lets through about ten calls a second
	jobTimeout   = 25 * time.Second
	rescueAfter  = 30 * time.Second
	fetchEvery   = 100 * time.Millisecond
	fetchAtLeast = 20 * time.Millisecond
	outsideEvery = 250 * time.Millisecond // mail and the CRM are in no such hurry
)

// Queue works jobs until it is stopped.
type Queue struct {
	client *river.Client[*sql.Tx]
	die    func() error // lets other processes take over what is left
}

// Start begins to work jobs. inbox works one kept Slack interaction. Jobs that a dead
// process left behind are put back first.
func Start(ctx context.Context, s *store.Store, e *engine.Engine, clock expansion.Clock, inbox func(context.Context, engine.Envelope) error, log *slog.Logger) (*Queue, error) {
	id := s.NewID()
	die, err := s.StayAlive(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("tell other processes of this one: %w", err)
	}
	n, err := s.ReleaseOrphans(ctx)
	if err != nil {
		return nil, fmt.Errorf("release orphaned jobs: %w", err)
	}
	if n > 0 {
		log.InfoContext(ctx, "jobs of a stopped process are worked again", "jobs", n)
	}
	w := river.NewWorkers()
	add(w, func(ctx context.Context, a engine.EnrichArgs) error {
		return e.Enrich(ctx, expansion.SignalID(a.SignalID))
	})
	add(w, func(ctx context.Context, a engine.PlanArgs) error { return e.Plan(ctx, expansion.SignalID(a.SignalID)) })
	add(w, func(ctx context.Context, a engine.DeliverArgs) error { return e.Deliver(ctx, a.DeliveryID) })
	add(w, func(ctx context.Context, a engine.WakeArgs) error { return e.Wake(ctx, a.WaitID) })
	add(w, func(ctx context.Context, a engine.LookArgs) error {
		return e.Look(ctx, a.AccountIDs)
	})
	add(w, func(ctx context.Context, a engine.InboxArgs) error { return e.WorkInbox(ctx, a.EnvelopeID, inbox) })
	client, err := river.NewClient(s.Driver(), &river.Config{
		ID:      id,
		Workers: w, Queues: map[string]river.QueueConfig{
			engine.QueueDefault: {MaxWorkers: workers},
			engine.QueueEmail:   {MaxWorkers: emailWorkers, FetchPollInterval: outsideEvery},
			engine.QueueCRM:     {MaxWorkers: crmWorkers, FetchPollInterval: outsideEvery},
		},
		FetchCooldown: fetchAtLeast, FetchPollInterval: fetchEvery, JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueAfter,
		RetryPolicy: retry{clock}, ErrorHandler: handler{log}, Test: river.TestConfig{Time: store.JobTime{Clock: clock}},
		// River's own lines are about its insides; ours say what failed.
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start job queue: %w", err)
	}
	return &Queue{client, die}, nil
}

// Stop lets running jobs finish until ctx ends, then cancels them.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.client.Stop(ctx)
	if err != nil {
		err = q.client.StopAndCancel(context.WithoutCancel(ctx))
	}
	return errors.Join(err, q.die())
}

type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]
	do func(context.Context, A) error
}

func add[A river.JobArgs](w *river.Workers, do func(context.Context, A) error) {
	river.AddWorker(w, &worker[A]{do: do})
}

// Work calls the verb and tells River what its answer means (STYLE §4): later = the same
// job after a while, no attempt used up; a failure a person has to mend = stop; anything
// else = retry.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	err := w.do(store.WithJob(ctx, job.ID), job.Args)
	if l, ok := errors.AsType[*engine.Later](err); ok {
		return river.JobSnooze(max(l.After, 0))
	}
	switch expansion.CodeOf(err) {
	case expansion.CodeConflict, expansion.CodeUnavailable:
		// Somebody was faster, or the database is busy: look again at what is true.
		return river.JobSnooze(time.Second)
	case expansion.CodeInvalid, expansion.CodeNotFound, expansion.CodeGone, expansion.CodeDenied, expansion.CodeNoRecipient:
		return river.JobCancel(err)
	}
	return err
}

// retry is River's retry policy on our clock: its own mixes in real time.
type retry struct{ clock expansion.Clock }

// NextRetry implements river.ClientRetryPolicy.
func (r retry) NextRetry(job *rivertype.JobRow) time.Time {
	return r.clock.Now().Add(notify.Wait(len(job.Errors)+1, 0))
}

// handler logs what failed; the rim's one place for jobs.
type handler struct{ log *slog.Logger }

// HandleError implements river.ErrorHandler.
func (h handler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if cancel, ok := errors.AsType[*rivertype.JobCancelError](err); ok {
		h.log.WarnContext(ctx, "job given up", "job", job.ID, "kind", job.Kind, "err", cancel)
		return nil
	}
	h.log.ErrorContext(ctx, "job failed", "job", job.ID, "kind", job.Kind, "attempt", job.Attempt, "err", err)
	return nil
}

// HandlePanic implements river.ErrorHandler.
func (h handler) HandlePanic(ctx context.Context, job *rivertype.JobRow, v any, trace string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "job panicked", "job", job.ID, "kind", job.Kind, "err", v, "trace", trace)
	return nil
}
