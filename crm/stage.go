package crm

import "slices"

// Meaning is what a stage says about a routing.
type Meaning string

// The meanings, named like the routing's status they lead to.
const (
	MeaningRouted     Meaning = "routed"      // the first stage: nobody has worked on it in the CRM
	MeaningInProgress Meaning = "in_progress" // any other open stage
	MeaningWon        Meaning = "won"
	MeaningLost       Meaning = "lost"
)

// StageMeaning reads a stage: closed and won, closed otherwise, the first of the
// pipeline (Order 0), or any other. A zero Stage, one the pipeline no longer has, is
// in progress: somebody put it there.
func StageMeaning(s Stage) Meaning {
	switch {
	case s.Closed && s.Won:
		return MeaningWon
	case s.Closed:
		return MeaningLost
	case s.ID != "" && s.Order == 0:
		return MeaningRouted
	}
	return MeaningInProgress
}

// FindStage returns the stage with the id. ok is false for one the pipeline does not
// have; its meaning is then a guess worth a warning.
func FindStage(stages []Stage, id string) (s Stage, ok bool) {
	i := slices.IndexFunc(stages, func(s Stage) bool { return s.ID == id })
	if i < 0 {
		return Stage{}, false
	}
	return stages[i], true
}

// FirstStage returns the open stage with the lowest Order, where new opportunities
// start. ok is false when the pipeline has no open stage.
func FirstStage(stages []Stage) (first Stage, ok bool) {
	for _, s := range stages {
		if !s.Closed && (!ok || s.Order < first.Order) {
			first, ok = s, true
		}
	}
	return first, ok
}
