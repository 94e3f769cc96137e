package source_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"expansionbot/expansion"
	"expansionbot/source"
)

func TestConvertRavenstack(t *testing.T) {
	t.Parallel()
	var accounts []source.AccountRow
	var usage []expansion.UsagePoint
	stats, bad, err := source.ConvertRavenstack("testdata/ravenstack", source.RavenstackOut{
		Account: func(a source.AccountRow) error { accounts = append(accounts, a); return nil },
		Usage:   func(p expansion.UsagePoint) error { usage = append(usage, p); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	wantAccounts := []source.AccountRow{
		{Account: expansion.Account{
			ID: "A-1", Name: "Northmill", Region: "DE", Plan: "Pro", ARR: &expansion.Money{Minor: 180000, Currency: "USD"},
			SeatsLicensed: ptr(int64(14)), ContractStart: ptr(day("2024-01-15")),
		}},
		{Account: expansion.Account{ID: "A-2", Name: "Kestrel Freight", Region: "US", Plan: "Basic"}},
	}
	if diff := cmp.Diff(wantAccounts, accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	wantUsage := []expansion.UsagePoint{
		{AccountID: "A-1", Metric: "feature_events", Day: day("2024-03-30"), Value: 2},
		{AccountID: "A-1", Metric: "feature_events", Day: day("2024-04-01"), Value: 12},
	}
	if diff := cmp.Diff(wantUsage, usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	wantReasons := map[string]int{
		"trial": 2, "ended subscription": 2, "before the subscription began": 1, "unknown account": 1, "unknown subscription": 1, "repeated": 1, "unreadable": 1,
	}
	if diff := cmp.Diff(wantReasons, stats.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	var got []string
	for _, b := range bad {
		got = append(got, b.Error())
	}
	want := []string{
		"ravenstack_subscriptions.csv line 4, column end_date: subscription S-3 ended on 2024-06-30; its seats no longer count",
		"ravenstack_subscriptions.csv line 5, column is_trial: subscription S-4 is a trial; its seats are not sold",
		"ravenstack_subscriptions.csv line 6, column account_id: account A-9 is not in the accounts file",
		`ravenstack_subscriptions.csv line 7, column start_date: "2024-02-31" is not a day; write it like 2026-03-02`,
		"ravenstack_feature_usage.csv line 4, column usage_id: U-1 stands further up already",
		"ravenstack_feature_usage.csv line 6, column usage_date: subscription S-1 only began on 2024-03-01",
		"ravenstack_feature_usage.csv line 7, column usage_date: subscription S-3 ended on 2024-06-30",
		"ravenstack_feature_usage.csv line 8, column subscription_id: subscription S-4 is a trial",
		"ravenstack_feature_usage.csv line 9, column subscription_id: there is no subscription S-7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row errors (-want +got):\n%s", diff)
	}
}

func TestConvertRavenstackNamesTheMissingFile(t *testing.T) {
	t.Parallel()
	_, _, err := source.ConvertRavenstack(t.TempDir(), source.RavenstackOut{})
	if expansion.CodeOf(err) != expansion.CodeNotFound {
		t.Errorf("got %v", err)
	}
}
