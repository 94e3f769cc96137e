package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// counters counts requests by route and status.
type counters struct {
	mu sync.Mutex
	n  map[counterKey]int64
}

type counterKey struct {
	method, route string
	status        int
}

// methods bounds the label: anybody may send any word as a method.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

func (c *counters) add(method, pattern string, status int) {
	if !slices.Contains(methods, method) {
		method = "other"
	}
	route := pattern
	if _, path, ok := strings.Cut(pattern, " "); ok {
		route = path
	}
	if route == "" {
		route = "none"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[counterKey]int64{}
	}
	c.n[counterKey{method, route, status}]++
}

// getMetrics writes the Prometheus text format, version 0.0.4, by hand: it is a dozen
// lines, and the client library needs modules this program does not ship.
func (s *server) getMetrics(w http.ResponseWriter, _ *http.Request, c *call) error {
	census, err := s.engine.Census(c.ctx())
	if err != nil {
		return fmt.Errorf("census: %w", err)
	}
	var b strings.Builder
	s.counts.write(&b)
	family(&b, "expansion_signals_open", "gauge", "Open signals by status.")
	writeSorted(&b, "expansion_signals_open", "status", census.Signals)
	family(&b, "expansion_jobs", "gauge", "Jobs by state.")
	writeSorted(&b, "expansion_jobs", "state", census.Jobs)
	family(&b, "expansion_undelivered", "gauge", "Messages and CRM records not delivered, by channel and state: retry is tried again, blocked needs a person.")
	channels := make([]string, 0, len(census.Undelivered))
	for ch := range census.Undelivered {
		channels = append(channels, ch)
	}
	slices.Sort(channels)
	for _, ch := range channels {
		for _, state := range []string{"blocked", "retry"} {
			fmt.Fprintf(&b, "expansion_undelivered{channel=%q,state=%q} %d\n", ch, state, census.Undelivered[ch][state])
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = w.Write([]byte(b.String()))
	if err != nil {
		s.log.DebugContext(c.ctx(), "metrics not read to the end", "err", err)
	}
	return nil
}

func family(b *strings.Builder, name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func writeSorted(b *strings.Builder, name, label string, values map[string]int) {
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(b, "%s{%s=%q} %d\n", name, label, k, values[k])
	}
}

func (c *counters) write(b *strings.Builder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := make([]counterKey, 0, len(c.n))
	for k := range c.n {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y counterKey) int {
		return cmp.Or(strings.Compare(x.route, y.route), strings.Compare(x.method, y.method), cmp.Compare(x.status, y.status))
	})
	const name = "expansion_http_requests_total"
	family(b, name, "counter", "HTTP requests by route, method and status code.")
	for _, k := range keys {
		fmt.Fprintf(b, "%s{route=%q,method=%q,code=\"%d\"} %d\n", name, k.route, k.method, k.status, c.n[k])
	}
}
