package world

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

func read(t *testing.T, b []byte) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, c := range all[0] {
			m[c] = r[i]
		}
		out = append(out, m)
	}
	return out
}

type series map[string]map[string]int64 // account -> day -> seats

func (s series) add(t *testing.T, account, day, value string) {
	t.Helper()
	v, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if s[account] == nil {
		s[account] = map[string]int64{}
	}
	s[account][day] = v
}

// over lists the accounts above their licence on five of their last seven days.
func (s series) over() []string {
	var out []string
	for _, a := range accounts {
		days := make([]string, 0, len(s[a.ID]))
		for d := range s[a.ID] {
			days = append(days, d)
		}
		slices.Sort(days)
		n := 0
		for _, d := range days[len(days)-7:] {
			if s[a.ID][d] > a.Seats {
				n++
			}
		}
		if n >= 5 {
			out = append(out, a.ID)
		}
	}
	return out
}

func TestThreeAccountsCrossWhileOneWatches(t *testing.T) {
	t.Parallel()
	s := series{}
	for _, r := range read(t, Files(start)["usage.csv"]) {
		if r["metric"] == "seats_used" {
			s.add(t, r["account_id"], r["day"], r["value"])
		}
	}
	if got := s.over(); len(got) != 0 {
		t.Fatalf("over their licence before the feed: %v", got)
	}
	seen := map[string]time.Duration{}
	for _, b := range Feed(start) {
		lines := bufio.NewScanner(bytes.NewReader(b.NDJSON))
		for lines.Scan() {
			var r struct {
				AccountID string `json:"account_id"`
				Metric    string `json:"metric"`
				Day       string `json:"day"`
				Value     int64  `json:"value"`
			}
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatalf("%s: %v", b.Title, err)
			}
			if r.Metric == "seats_used" {
				s.add(t, r.AccountID, r.Day, strconv.FormatInt(r.Value, 10))
			}
		}
		for _, id := range s.over() {
			if _, ok := seen[id]; !ok {
				seen[id] = b.After
			}
		}
	}
	want := map[string]time.Duration{"brightwater": 8 * time.Second, "alder": time.Hour, "kestrel": 23*time.Hour + 30*time.Minute}
	if len(seen) != len(want) {
		t.Errorf("crossed: got %v, want %v", seen, want)
	}
	for id, after := range want {
		if seen[id] != after {
			t.Errorf("%s crossed after %v, want %v", id, seen[id], after)
		}
	}
}

func TestBrightwaterIsTheStoryboards(t *testing.T) {
	t.Parallel()
	for _, r := range read(t, Files(start)["accounts.csv"]) {
		if r["account_id"] != "brightwater" {
			continue
		}
		got := []string{r["arr_cents"], r["seats_licensed"], r["contract_end"], r["csm_email"], r["original_ae_email"]}
		want := []string{"4800000", "120", "2026-05-31", "priya@acme.example", "marcus@acme.example"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return
	}
	t.Fatal("no brightwater in accounts.csv")
}

func TestFilesAgreeWithEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		at := start.Add(time.Duration(rapid.Int64Range(0, 3*365*24).Draw(rt, "hours")) * time.Hour)
		f := Files(at)
		people, ids := map[string]bool{"": true}, map[string]bool{"": true}
		for _, r := range read(t, f["people.csv"]) {
			if people[r["email"]] {
				rt.Fatalf("%s is in people.csv twice", r["email"])
			}
			people[r["email"]] = true
			if _, err := time.LoadLocation(r["time_zone"]); err != nil {
				rt.Fatalf("%s: %v", r["email"], err)
			}
		}
		for _, r := range read(t, f["people.csv"]) {
			if !people[r["manager_email"]] {
				rt.Fatalf("manager %q is nobody", r["manager_email"])
			}
		}
		for _, r := range read(t, f["accounts.csv"]) {
			ids[r["account_id"]] = true
			if !people[r["csm_email"]] || r["csm_email"] == "" || !people[r["original_ae_email"]] {
				rt.Fatalf("account %v names people who don't exist", r)
			}
			if r["contract_start"] >= r["contract_end"] {
				rt.Fatalf("contract of %s ends before it starts", r["account_id"])
			}
		}
		if len(ids) != 13 {
			rt.Fatalf("got %d accounts, want 12", len(ids)-1)
		}
		for name, b := range f {
			if name == "people.csv" {
				continue
			}
			for _, r := range read(t, b) {
				if !ids[r["account_id"]] {
					rt.Fatalf("%s names the unknown account %q", name, r["account_id"])
				}
			}
		}
		today := firstDay(at).Format(dateOnly)
		for _, r := range read(t, f["usage.csv"]) {
			if r["day"] >= today {
				rt.Fatalf("usage.csv knows %s before it happened", r["day"])
			}
		}
		var last time.Duration
		for _, b := range Feed(at) {
			if b.After <= last {
				rt.Fatalf("feed is out of order at %q", b.Title)
			}
			last = b.After
		}
		if !bytes.Equal(f["usage.csv"], Files(at)["usage.csv"]) {
			rt.Fatal("the same start gave other bytes")
		}
	})
}

func TestQuietMetricsStayQuiet(t *testing.T) {
	t.Parallel()
	day0 := firstDay(start)
	for _, a := range accounts {
		for d := -history + 57; d <= feedDays; d++ {
			was, is := a.active(d-56, day0.AddDate(0, 0, d-56)), a.active(d, day0.AddDate(0, 0, d))
			if float64(is) >= 1.25*float64(was) {
				t.Errorf("%s: active users %d -> %d in eight weeks to day %d: would be a signal of its own", a.ID, was, is, d)
			}
			if a.storage(d)*10 > a.storageLimit()*7 {
				t.Errorf("%s: storage is near its limit on day %d", a.ID, d)
			}
		}
		above := a.health(-history) > 80
		for d := -history; d < 0; d++ {
			if (a.health(d) > 80) != above {
				t.Errorf("%s: health crosses 80 on day %d", a.ID, d)
			}
		}
	}
}
