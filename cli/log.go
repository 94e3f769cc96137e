package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"expansionbot/config"
)

// logger writes what config.yaml asks for: text for people, json for machines.
func logger(w io.Writer, l config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.Slog()}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(newLines(w, o))
}

// lines is a log handler for people: the time to the second, level and message in
// columns, then key=value as log/slog's own text handler writes them.
type lines struct {
	mu    *sync.Mutex
	w     io.Writer
	buf   *bytes.Buffer // what attrs writes to; under mu
	attrs slog.Handler
}

func newLines(w io.Writer, o *slog.HandlerOptions) *lines {
	buf := &bytes.Buffer{}
	attrs := slog.NewTextHandler(buf, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
	return &lines{mu: &sync.Mutex{}, w: w, buf: buf, attrs: attrs}
}

// Enabled implements slog.Handler.
func (l *lines) Enabled(ctx context.Context, level slog.Level) bool {
	return l.attrs.Enabled(ctx, level)
}

// Handle implements slog.Handler with one write a record.
func (l *lines) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
	if err := l.attrs.Handle(ctx, r); err != nil {
		return err
	}
	rest := bytes.TrimSpace(l.buf.Bytes())
	line := fmt.Sprintf("%s  %-5s  %s", r.Time.UTC().Format(time.RFC3339), r.Level, strings.ReplaceAll(r.Message, "\n", " "))
	if len(rest) > 0 {
		line += "  " + string(rest)
	}
	_, err := io.WriteString(l.w, line+"\n")
	return err
}

// WithAttrs implements slog.Handler.
func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *l
	c.attrs = l.attrs.WithAttrs(attrs)
	return &c
}

// WithGroup implements slog.Handler.
func (l *lines) WithGroup(name string) slog.Handler {
	c := *l
	c.attrs = l.attrs.WithGroup(name)
	return &c
}
