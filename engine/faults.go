//go:build !faults

package engine

import "expansionbot/store"

// pause marks a place where `make kill` stops the process to kill it. Only a binary
// built with the tag faults can stop there (faults_on.go); in every other build the call
// and its name are compiled away, which a test beside the kill tests checks.
func pause(string) {}

// pauseAt is pause for the steps of a delivery to Slack, the mail server or the CRM.
func pauseAt(store.Delivery, string) {}
