package engine

import (
	"time"

	"github.com/riverqueue/river"
)

// The queues. A service outside that is slow or keeps its callers waiting in a line, as a
// CRM does, takes the workers of its own queue and leaves the others to the signals.
const (
	QueueDefault = river.QueueDefault // what a signal's way and a person wait for
	QueueEmail   = "email"            // deliveries of that channel
	QueueCRM     = channelCRM         // likewise
)

// The job kinds. They carry ids only: what is true is read when the job runs. Kinds and
// fields are kept in the database, so they only grow.

// EnrichArgs gathers context around a signal.
type EnrichArgs struct {
	SignalID string `json:"signal_id"`
}

// Kind implements river.JobArgs.
func (EnrichArgs) Kind() string { return "enrich" }

// PlanArgs decides what happens with an enriched signal.
type PlanArgs struct {
	SignalID string `json:"signal_id"`
}

// Kind implements river.JobArgs.
func (PlanArgs) Kind() string { return "plan" }

// DeliverArgs brings one outside thing up to its wanted version.
type DeliverArgs struct {
	DeliveryID string `json:"delivery_id"`
	Channel    string `json:"channel"`
}

// Kind implements river.JobArgs.
func (DeliverArgs) Kind() string { return "deliver" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a DeliverArgs) InsertOpts() river.InsertOpts {
	switch a.Channel {
	case QueueEmail, QueueCRM:
		return river.InsertOpts{Queue: a.Channel}
	}
	return river.InsertOpts{Queue: QueueDefault}
}

// WakeArgs keeps one promise if it is still due and wanted.
type WakeArgs struct {
	WaitID string `json:"wait_id"`
}

// Kind implements river.JobArgs.
func (WakeArgs) Kind() string { return "wake" }

// InboxArgs works one Slack interaction.
type InboxArgs struct {
	EnvelopeID string `json:"envelope_id"`
}

// Kind implements river.JobArgs.
func (InboxArgs) Kind() string { return "inbox" }

// Later is returned by a verb that a job called too early or in vain: the job is to run
// again after a while, and no attempt is used up.
type Later struct {
	After  time.Duration
	Reason string
}

// Error implements error.
func (l *Later) Error() string { return "later: " + l.Reason }
