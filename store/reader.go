package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"expansionbot/expansion"
)

// Reader reads. Store's own runs on the read pool, Tx's inside the transaction.
type Reader struct {
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
}

// one scans the only column of the only row, a JSON document, into a T. Not found is
// CodeNotFound with the sentence missing.
func one[T any](ctx context.Context, r Reader, missing, query string, args ...any) (T, error) {
	var v T
	var doc string
	err := r.q.QueryRowContext(ctx, query, args...).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return v, &expansion.Error{Code: expansion.CodeNotFound, Text: missing}
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(doc), &v)
}

// all scans rows of one JSON document each.
func all[T any](ctx context.Context, r Reader, query string, args ...any) ([]T, error) {
	return rows(ctx, r, scanDoc[T], query, args...)
}

func scanDoc[T any](s scanner) (v T, err error) {
	var doc string
	if err := s.Scan(&doc); err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(doc), &v)
}

type scanner interface{ Scan(dest ...any) error }

// rows scans each row with scan.
func rows[T any](ctx context.Context, r Reader, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rs, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer rs.Close()
	var out []T
	for rs.Next() {
		v, err := scan(rs)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		out = append(out, v)
	}
	return out, rs.Err()
}

func doc(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: a value of our own types does not marshal: %v", err))
	}
	return string(b)
}

// flag is how a yes or no is kept.
func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func us(t time.Time) int64 { return t.UnixMicro() }

func usp(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	v := us(*t)
	return &v
}

func at(v int64) time.Time { return time.UnixMicro(v).UTC() }

func atp(v sql.NullInt64) *time.Time {
	if !v.Valid {
		return nil
	}
	t := at(v.Int64)
	return &t
}

const daySeconds = 24 * 60 * 60

// Day counts days since 1970-01-01 of t's UTC date.
func Day(t time.Time) int64 { return floorDiv(t.Unix(), daySeconds) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func dayTime(d int64) time.Time { return time.Unix(d*daySeconds, 0).UTC() }

func dayOf(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return Day(*t)
}
