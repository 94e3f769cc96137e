package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"expansionbot/expansion"
)

// JobTime makes the product's clock the job library's. It always counts as set, so that
// due times follow the movable clock and not the database's.
type JobTime struct{ Clock expansion.Clock }

// Now is the clock's time.
func (j JobTime) Now() time.Time { return j.Clock.Now() }

// NowOrNil is the clock's time.
func (j JobTime) NowOrNil() *time.Time {
	t := j.Clock.Now().UTC()
	return &t
}

// StayAlive tells other processes on the same database that worker id is at work, until
// release is called or this process dies: PostgreSQL then drops the lock by itself. On
// SQLite there are no other processes.
func (s *Store) StayAlive(ctx context.Context, id string) (release func() error, err error) {
	if s.dialect == SQLite {
		return func() error { return nil }, nil
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1, hashtext($2))`, aliveLock, id); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		// Closing only gives the connection back to the pool, where it would keep the lock.
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1, hashtext($2))`, aliveLock, id)
		return errors.Join(err, conn.Close())
	}, nil
}

// aliveLock is an arbitrary constant: the class of the locks of StayAlive.
const aliveLock = 119120

// ReleaseOrphans puts jobs that dead processes were working back into the queue. On
// SQLite nobody else can be working at start, so all running jobs are orphans; on
// PostgreSQL they are those of workers whose StayAlive has ended.
func (s *Store) ReleaseOrphans(ctx context.Context) (n int64, err error) {
	if s.dialect == SQLite {
		res, err := s.write.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'`)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	workers, err := rows(ctx, Reader{q: tx}, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT DISTINCT attempted_by[array_upper(attempted_by, 1)] FROM river_job WHERE state = 'running' AND attempted_by IS NOT NULL`)
	if err != nil {
		return 0, err
	}
	for _, id := range workers {
		var dead bool // its lock is free; ours ends with the transaction
		if err := tx.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1, hashtext($2))`, aliveLock, id).Scan(&dead); err != nil {
			return 0, err
		}
		if !dead {
			continue
		}
		res, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1`, id)
		if err != nil {
			return 0, err
		}
		released, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		n += released
	}
	return n, tx.Commit()
}

// WakeDueJobs makes jobs whose time has come available at once; by itself the job
// library looks only every five seconds.
func (s *Store) WakeDueJobs(ctx context.Context, now time.Time) (int, error) {
	moved, err := s.Driver().GetExecutor().JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: 10_000, Now: new(now.UTC())})
	return len(moved), err
}

// JobsDue counts jobs that are running or should be by now.
func (r Reader) JobsDue(ctx context.Context) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM river_job WHERE state IN ('available', 'running')`).Scan(&n)
	return n, err
}

// NextJob is when the next job that waits for its time is due; nil when none does.
func (r Reader) NextJob(ctx context.Context) (*time.Time, error) {
	var t time.Time
	err := r.q.QueryRowContext(ctx, `SELECT scheduled_at FROM river_job WHERE state IN ('scheduled', 'retryable') ORDER BY scheduled_at LIMIT 1`).Scan(&t)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	t = t.UTC()
	return &t, err
}

// Work is a row that a job has to see to. Of names what the row is: wait, delivery,
// envelope or signal.
type Work struct {
	Of, ID  string
	Channel string    // of a delivery
	Due     time.Time // of a wait or a delivery's next try; in the past for the others
}

// Unattended returns rows that are not done and that no job will see to, because it was
// lost or given up: open waits, deliveries that are not blocked, envelopes not worked, new
// signals nobody has looked at. A line behind another under its card has none on purpose. Row and job commit together, so a row without one is no
// matter of time.
func (r Reader) Unattended(ctx context.Context, limit int) ([]Work, error) {
	return rows(ctx, r, scanWork, `
		SELECT 'wait', w.id, '', w.due_at FROM waits w LEFT JOIN (SELECT args->>'wait_id' AS id FROM river_job WHERE kind = 'wake' AND `+jobStands+`) j ON j.id = w.id
			WHERE w.done_at IS NULL AND j.id IS NULL
		UNION ALL
		SELECT 'delivery', d.id, d.channel, COALESCE(d.next_at, 0) FROM deliveries d LEFT JOIN (SELECT args->>'delivery_id' AS id FROM river_job WHERE kind = 'deliver' AND `+jobStands+`) j ON j.id = d.id
			WHERE d.shown < d.wanted AND d.state <> 'blocked' AND j.id IS NULL
			AND (d.parent = '' OR NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.parent = d.parent AND o.id < d.id AND o.shown < o.wanted AND o.state <> 'blocked'))
		UNION ALL
		SELECT 'envelope', i.id, '', 0 FROM inbox i LEFT JOIN (SELECT args->>'envelope_id' AS id FROM river_job WHERE kind = 'inbox' AND `+jobStands+`) j ON j.id = i.id
			WHERE i.done_at IS NULL AND j.id IS NULL
		UNION ALL
		SELECT 'signal', s.id, '', 0 FROM expansion_signals s LEFT JOIN (SELECT args->>'signal_id' AS id FROM river_job WHERE kind IN ('enrich', 'plan') AND `+jobStands+`) j ON j.id = s.id
			WHERE s.status = 'detected' AND s.waiting = '' AND j.id IS NULL
		ORDER BY 1, 2 LIMIT $1`, limit)
}

// jobStands holds for jobs that will run, or are running, and for those that were cancelled
// because another try cannot mend what a person has to; the job library forgets them after a day.
const jobStands = `state IN ('available', 'cancelled', 'pending', 'retryable', 'running', 'scheduled')`

func scanWork(s scanner) (Work, error) {
	var w Work
	var due int64
	err := s.Scan(&w.Of, &w.ID, &w.Channel, &due)
	w.Due = at(due)
	return w, err
}

// JobsByState counts jobs by state, for doctor and metrics.
func (r Reader) JobsByState(ctx context.Context) (map[string]int, error) {
	return r.countBy(ctx, `SELECT state, COUNT(*) FROM river_job GROUP BY state ORDER BY state`)
}

// SignalsByStatus counts signals by status.
func (r Reader) SignalsByStatus(ctx context.Context) (map[string]int, error) {
	return r.countBy(ctx, `SELECT status, COUNT(*) FROM expansion_signals GROUP BY status ORDER BY status`)
}

// UndeliveredByChannel counts what is tried again or blocked, by channel and state.
func (r Reader) UndeliveredByChannel(ctx context.Context) (map[string]map[string]int, error) {
	out := map[string]map[string]int{}
	for _, state := range []DeliveryState{Retry, Blocked} {
		byChannel, err := r.countBy(ctx, `SELECT channel, SUM(CASE state WHEN $1 THEN 1 ELSE 0 END) FROM deliveries GROUP BY channel ORDER BY channel`, string(state))
		if err != nil {
			return nil, err
		}
		for channel, n := range byChannel {
			if out[channel] == nil {
				out[channel] = map[string]int{}
			}
			out[channel][string(state)] = n
		}
	}
	return out, nil
}

// countBy scans rows of a word and a count.
func (r Reader) countBy(ctx context.Context, query string, args ...any) (map[string]int, error) {
	rs, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	out := map[string]int{}
	for rs.Next() {
		var s string
		var n int
		if err := rs.Scan(&s, &n); err != nil {
			return nil, err
		}
		out[s] = n
	}
	return out, rs.Err()
}
