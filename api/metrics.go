package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"expansionbot/engine"
)

// metrics are this server's own counters and gauges; gauges are set at each scrape.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	signals     *prometheus.GaugeVec
	jobs        *prometheus.GaugeVec
	undelivered *prometheus.GaugeVec
	handler     http.Handler
}

func newMetrics() *metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "expansion_http_requests_total", Help: "HTTP requests by route, method and status code."}, []string{"route", "method", "code"}),
		signals:     gauge("expansion_signals", "Signals by status.", "status"),
		jobs:        gauge("expansion_jobs", "Jobs by state.", "state"),
		undelivered: gauge("expansion_undelivered", "Messages and CRM records not delivered, by channel and state: retry is tried again, blocked needs a person.", "channel", "state"),
	}
	m.registry.MustRegister(m.requests, m.signals, m.jobs, m.undelivered, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// methods bounds the label: anybody may send any word as a method.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

func (m *metrics) add(method, pattern string, status int) {
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
	m.requests.WithLabelValues(route, method, fmt.Sprint(status)).Inc()
}

func (m *metrics) set(c engine.Census) {
	m.signals.Reset()
	for status, n := range c.Signals {
		m.signals.WithLabelValues(status).Set(float64(n))
	}
	m.jobs.Reset()
	for state, n := range c.Jobs {
		m.jobs.WithLabelValues(state).Set(float64(n))
	}
	m.undelivered.Reset()
	for channel, states := range c.Undelivered {
		for state, n := range states {
			m.undelivered.WithLabelValues(channel, state).Set(float64(n))
		}
	}
}

func (s *server) getMetrics(w http.ResponseWriter, r *http.Request, c *call) error {
	census, err := s.engine.Census(c.ctx())
	if err != nil {
		return fmt.Errorf("census: %w", err)
	}
	s.metrics.set(census)
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
