//go:build !faults

package engine

import "expansionbot/store"

// A place is where `make kill` stops the process to kill it. Only a binary built with
// the tag faults can stop there (faults_on.go, which also holds the places' names); in
// every other build the calls are compiled away.
type place struct{}

// The places.
var atInboxWrite, atInboxKept, atInboxWorked, atIngest, atDecided, atRouteCommit, atRouteKept, sending, answered, committed, atAcknowledge, atEscalation, atOutcome place

func pause(place) {}

func pauseAt(store.Delivery, place) {}
