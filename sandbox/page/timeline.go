package page

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// item is one line of the product's shared log, as its API hands it out.
type item struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Agent   string    `json:"agent"`
	Verb    string    `json:"verb"`
	Text    string    `json:"text"`
	Signal  string    `json:"signal"`
	Routing string    `json:"routing"`
	Job     string    `json:"job"`
	Account string    `json:"account"`
}

// maxItems is how many activities the page keeps, the newest.
const maxItems = 600

// timeline holds what was read from the product's API.
type timeline struct {
	mu    sync.Mutex
	items []item
	last  int64
	err   string // why the last read failed, "" if it did not
	verbs map[string]bool
}

func (t *timeline) seen(verb string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.verbs[verb]
}

func (t *timeline) after(n int64) (items []item, problem string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	items = []item{}
	for _, i := range t.items {
		if i.ID > n {
			items = append(items, i)
		}
	}
	return items, t.err
}

// add takes a page of activities and reports whether any was new.
func (t *timeline) add(items []item, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.err
	t.err = ""
	if err != nil {
		t.err = "The product's log could not be read: " + err.Error()
		return t.err != was
	}
	if t.verbs == nil {
		t.verbs = map[string]bool{}
	}
	news := false
	for _, i := range items {
		if i.ID <= t.last {
			continue
		}
		news = true
		t.last = i.ID
		t.verbs[i.Verb] = true
		t.items = append(t.items, i)
	}
	if over := len(t.items) - maxItems; over > 0 {
		t.items = append([]item(nil), t.items[over:]...)
	}
	return news || was != ""
}

// pollEvery is how often the product's log is read while nothing else happens.
const pollEvery = time.Second

// follow reads the product's log as it grows.
func (s *Server) follow() {
	client := &http.Client{Timeout: 5 * time.Second}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		for {
			s.time.mu.Lock()
			last := s.time.last
			s.time.mu.Unlock()
			url, token := s.API()
			if url == "" {
				break
			}
			items, err := activities(s.ctx, client, url, token, last)
			if s.ctx.Err() != nil {
				return
			}
			news := s.time.add(items, err)
			if news {
				s.touch("timeline")
			}
			if err != nil || len(items) == 0 || !news {
				break
			}
		}
	}
}

func activities(ctx context.Context, client *http.Client, url, token string, after int64) ([]item, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/api/activities?after="+strconv.FormatInt(after, 10), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("it does not answer")
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", res.Status)
	}
	var page struct {
		Items []item `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 8<<20)).Decode(&page); err != nil {
		return nil, fmt.Errorf("its answer was not understood")
	}
	return page.Items, nil
}

func (s *Server) serveTimeline(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.FormValue("after"), 10, 64)
	items, problem := s.time.after(after)
	writeJSON(w, map[string]any{"items": items, "problem": problem})
}
