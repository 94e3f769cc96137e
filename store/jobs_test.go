package store_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"expansionbot/store"
	"expansionbot/store/storetest"
)

// begin takes up to n jobs as the library does for worker id.
func begin(t *testing.T, s *store.Store, now time.Time, id string, n int) int {
	t.Helper()
	got, err := s.Driver().GetExecutor().JobGetAvailable(t.Context(), &riverdriver.JobGetAvailableParams{ClientID: id, MaxAttemptedBy: 100, MaxToLock: n, Now: &now, Queue: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return len(got.Jobs)
}

func TestJobsOfADeadProcessAreWorkedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		c := &clock{now: start}
		mine := storetest.Open(t, dsn, c)
		soon := start.Add(time.Second)
		write(t, mine, func(tx *store.Tx) error {
			for range 5 {
				if err := tx.Enqueue(ctx, work{}, time.Time{}); err != nil {
					return err
				}
			}
			return nil
		})
		equal(t, "orphans when nothing runs", must(mine.ReleaseOrphans(ctx))(t), int64(0))
		if mine.Dialect() == store.SQLite {
			equal(t, "jobs begun", begin(t, mine, soon, "dead", 3), 3)
			equal(t, "running", must(mine.JobsByState(ctx))(t), map[string]int{"running": 3, "available": 2})
			equal(t, "orphans", must(mine.ReleaseOrphans(ctx))(t), int64(3))
			equal(t, "jobs due", must(mine.JobsDue(ctx))(t), 5)
			equal(t, "after", must(mine.JobsByState(ctx))(t), map[string]int{"available": 5})
			return
		}

		other, err := store.Open(ctx, dsn, c) // another process
		if err != nil {
			t.Fatal(err)
		}
		stop := must(other.StayAlive(ctx, "stopping"))(t)
		must(other.StayAlive(ctx, "killed"))(t)
		end := must(mine.StayAlive(ctx, "live"))(t)
		equal(t, "jobs begun", []int{begin(t, mine, soon, "live", 1), begin(t, other, soon, "stopping", 1), begin(t, other, soon, "killed", 2)}, []int{1, 1, 2})
		equal(t, "orphans while all live", must(mine.ReleaseOrphans(ctx))(t), int64(0))
		if err := stop(); err != nil {
			t.Error(err)
		}
		equal(t, "orphans after one stopped, its connections still open", must(mine.ReleaseOrphans(ctx))(t), int64(1))
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		// A killed process's connection ends without a word, and the server needs a moment
		// to see that: wait on the lock itself.
		waitForLocks(t, raw(t, dsn), 1)
		equal(t, "orphans after one was killed", must(mine.ReleaseOrphans(ctx))(t), int64(2))
		equal(t, "the live one's goes on", must(mine.JobsByState(ctx))(t), map[string]int{"running": 1, "available": 4})

		// The newest worker of a job counts, not those before.
		equal(t, "jobs begun again", begin(t, mine, soon, "live", 4), 4)
		equal(t, "orphans when a live one took over", must(mine.ReleaseOrphans(ctx))(t), int64(0))
		if err := end(); err != nil {
			t.Error(err)
		}
		equal(t, "orphans after the last stopped", must(mine.ReleaseOrphans(ctx))(t), int64(5))
	})
}

// waitForLocks blocks until n advisory locks are left on the database.
func waitForLocks(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	for {
		if count(t, db, "pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == n {
			return
		}
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAJobIsDueByTheProductsClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		if next := must(s.NextJob(ctx))(t); next != nil {
			t.Errorf("next job when there is none: got %v, want nil", next)
		}
		due := kept.Truncate(time.Millisecond).Add(time.Hour) // River keeps milliseconds on SQLite
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.Enqueue(ctx, work{"later"}, due), tx.Enqueue(ctx, work{"past"}, start.Add(-time.Hour)))
		})
		equal(t, "jobs", must(s.JobsByState(ctx))(t), map[string]int{"scheduled": 1, "available": 1})
		equal(t, "next job", must(s.NextJob(ctx))(t), &due)
		equal(t, "due before its time", must(s.JobsDue(ctx))(t), 1)
		c.move(time.Hour - time.Second)
		equal(t, "woken too early", must(s.WakeDueJobs(ctx, c.Now()))(t), 0)
		c.move(time.Second)
		equal(t, "woken", must(s.WakeDueJobs(ctx, c.Now()))(t), 1)
		equal(t, "due", must(s.JobsDue(ctx))(t), 2)
	})
}
