package engine

import (
	"context"
	"io"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/enrich"
	"expansionbot/expansion/learn"
	"expansionbot/report"
)

func (e *Engine) gather(ctx context.Context, a expansion.Account) expansion.Context {
	return enrich.Gather(ctx, e.enrich, a, e.clock.Now())
}

// Report is how the routings since a time did, in the viewer's scope: a manager sees the
// team, RevOps all, everybody else their own. The zero viewer (the command line) sees all.
func (e *Engine) Report(ctx context.Context, viewer expansion.PersonID, since time.Time) (expansion.Performance, map[expansion.PersonID]expansion.Person, error) {
	var none expansion.Performance
	people, err := e.store.People(ctx)
	if err != nil {
		return none, nil, err
	}
	m := byID(people)
	rts, err := e.store.RoutedSince(ctx, since)
	if err != nil {
		return none, nil, err
	}
	v := m[viewer]
	var samples []learn.Sample
	for _, rt := range rts {
		csm := csmOf(expansion.Signal{CreatedBy: rt.LoggedBy}, expansion.Account{CSM: rt.CSM})
		if viewer != "" && !e.IsAdmin(v) && rt.To != viewer && csm != viewer && (v.Role != expansion.RoleManager || m[rt.To].Manager != viewer) {
			continue
		}
		x := learn.Sample{Type: rt.Type, Rep: rt.To, RoutedAt: rt.RoutedAt, AcknowledgedAt: rt.AcknowledgedAt, ClosedAt: rt.ClosedAt, ARR: rt.ARR, Opportunity: e.crm == nil || rt.CRMID != ""}
		if rt.Status.Final() || rt.Disposition == expansion.Rejected {
			won := rt.Status == expansion.Won
			x.Won = &won
		}
		samples = append(samples, x)
	}
	// Until is exclusive; what was routed this very moment belongs in.
	return learn.Performance(samples, since, e.clock.Now().Add(time.Microsecond)), m, nil
}

// WriteReport writes the whole report since a time as a text table, or as CSV.
func (e *Engine) WriteReport(ctx context.Context, w io.Writer, since time.Time, csv bool) error {
	p, people, err := e.Report(ctx, "", since)
	if err != nil {
		return err
	}
	if csv {
		return report.CSV(w, p, people)
	}
	_, err = io.WriteString(w, report.Text(p, people))
	return err
}
