package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// document is openapi.yaml, read well enough to hold answers against it.
type document struct{ root map[string]any }

func readDocument(t testing.TB) *document {
	t.Helper()
	d := &document{}
	if err := yaml.Unmarshal([]byte(openapi), &d.root); err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return d
}

// at follows keys; a reference on the way is followed too.
func (d *document) at(v any, keys ...string) any {
	v = d.deref(v)
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = d.deref(m[k])
	}
	return v
}

func (d *document) deref(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return v
	}
	return d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// check fails the test unless a's status, content type and body are as documented for
// the route r takes.
func (d *document) check(t testing.TB, r *http.Request, a answer) {
	t.Helper()
	path, op := d.operation(r)
	if op == nil {
		if a.Code != http.StatusNotFound && a.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %d and is not in openapi.yaml", r.Method, r.URL.Path, a.Code)
		}
		d.hold(t, r, a, d.at(d.root, "components", "responses", "Problem"))
		return
	}
	res := d.at(op, "responses", fmt.Sprint(a.Code))
	if res == nil {
		res = d.at(op, "responses", "default")
	}
	if res == nil {
		t.Errorf("%s %s: status %d is not documented", r.Method, path, a.Code)
		return
	}
	d.hold(t, r, a, res)
}

func (d *document) hold(t testing.TB, r *http.Request, a answer, res any) {
	t.Helper()
	content, _ := d.at(res, "content").(map[string]any)
	if content == nil {
		return
	}
	kind, _, _ := strings.Cut(a.Header().Get("Content-Type"), ";")
	media, ok := content[kind]
	if !ok {
		t.Errorf("%s %s: content type %q is not documented for %d", r.Method, r.URL.Path, kind, a.Code)
		return
	}
	if schema := d.at(media, "schema"); schema != nil {
		for _, p := range d.problems(schema, a.json, "body") {
			t.Errorf("%s %s: %s", r.Method, r.URL.Path, p)
		}
	}
}

// operation finds the documented operation of a request.
func (d *document) operation(r *http.Request) (string, any) {
	paths := d.root["paths"].(map[string]any)
	got := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range paths {
		want := strings.Split(path, "/")
		same := len(want) == len(got)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == got[i] || strings.HasPrefix(want[i], "{") && got[i] != ""
		}
		if same {
			method := strings.ToLower(r.Method)
			if method == "head" {
				method = "get"
			}
			if op := d.at(item, method); op != nil {
				return path, op
			}
		}
	}
	return "", nil
}

// problems says where v is not what the schema documents. It knows the words the document
// uses and refuses others, so that nothing goes unchecked by accident.
func (d *document) problems(schema, v any, at string) []string {
	s := d.deref(schema).(map[string]any)
	if all, ok := s["oneOf"].([]any); ok {
		var best []string
		for i, one := range all {
			if p := d.problems(one, v, at); len(p) == 0 {
				return nil
			} else if i == 0 {
				best = p
			}
		}
		return best
	}
	types, _ := s["type"].([]any)
	if one, ok := s["type"].(string); ok {
		types = []any{one}
	}
	if got := jsonType(v); !slices.Contains(types, any(got)) && !(got == "integer" && slices.Contains(types, any("number"))) {
		return []string{fmt.Sprintf("%s is %s, documented as %v", at, got, types)}
	}
	var out []string
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		out = append(out, fmt.Sprintf("%s is %v, documented as one of %v", at, v, enum))
	}
	if n, ok := v.(float64); ok {
		if lo, ok := s["minimum"].(int); ok && n < float64(lo) {
			out = append(out, fmt.Sprintf("%s is %v, documented as %d at least", at, n, lo))
		}
		if hi, ok := s["maximum"].(int); ok && n > float64(hi) {
			out = append(out, fmt.Sprintf("%s is %v, documented as %d at most", at, n, hi))
		}
	}
	if text, ok := v.(string); ok {
		layout := map[any]string{"date-time": time.RFC3339, "date": time.DateOnly}[s["format"]]
		if _, err := time.Parse(layout, text); layout != "" && err != nil {
			out = append(out, fmt.Sprintf("%s is %q, documented as %v", at, text, s["format"]))
		}
	}
	if list, ok := v.([]any); ok {
		for i, x := range list {
			out = append(out, d.problems(s["items"], x, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	if object, ok := v.(map[string]any); ok {
		out = append(out, d.objectProblems(s, object, at)...)
	}
	return out
}

func (d *document) objectProblems(s, object map[string]any, at string) (out []string) {
	properties, _ := s["properties"].(map[string]any)
	if properties == nil {
		return nil // details: anything
	}
	for key, x := range object {
		p, ok := properties[key]
		if !ok {
			out = append(out, fmt.Sprintf("%s.%s is not documented", at, key))
			continue
		}
		out = append(out, d.problems(p, x, at+"."+key)...)
	}
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := object[key.(string)]; !ok {
			out = append(out, fmt.Sprintf("%s.%s is documented as always there and is missing", at, key))
		}
	}
	return out
}

func jsonType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func TestDocumentListsEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	var documented, served []string
	for path, item := range d.root["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				documented = append(documented, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, e := range (&server{}).endpoints() {
		served = append(served, e.method+" "+e.path)
		op := d.at(d.root, "paths", e.path, strings.ToLower(e.method))
		if said, _ := d.at(op, "description").(string); e.scope != "" && !strings.Contains(said, "Scope "+e.scope+".") {
			t.Errorf("%s %s needs the scope %s; the document says %q", e.method, e.path, e.scope, said)
		}
		if open := d.at(op, "security") != nil; open != (e.scope == "") {
			t.Errorf("%s %s: open in the document %t, served open %t", e.method, e.path, open, e.scope == "")
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented %v\nserved     %v", documented, served)
	}
}

func TestDocumentRefersOnlyToWhatItHas(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	seen := 0
	var walk func(v any, at string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if seen++; d.deref(v) == nil {
					t.Errorf("%s refers to %s, which is not there", at, ref)
				}
			}
			required, _ := v["required"].([]any)
			for _, key := range required {
				if properties, ok := v["properties"].(map[string]any); ok && properties[key.(string)] == nil {
					t.Errorf("%s requires %v and does not describe it", at, key)
				}
			}
			for k, x := range v {
				walk(x, at+"/"+k)
			}
		case []any:
			for i, x := range v {
				walk(x, fmt.Sprintf("%s/%d", at, i))
			}
		}
	}
	walk(d.root, "")
	if seen < 20 {
		t.Errorf("walked %d references, want 20 at least", seen)
	}
}

func TestCheckerNoticesWhatIsNotDocumented(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	schema := map[string]any{"$ref": "#/components/schemas/Activity"}
	good := map[string]any{"id": 1.0, "at": "2026-03-03T15:00:00Z", "agent": "monitor", "verb": "routed", "text": "Sent.", "signal": "", "routing": "", "job": "", "account": ""}
	if p := d.problems(schema, good, "body"); len(p) != 0 {
		t.Errorf("a good line: %v", p)
	}
	for key, v := range map[string]any{"id": 1.5, "at": "yesterday", "agent": "nobody", "text": nil, "more": "x"} {
		bad := map[string]any{}
		for k, x := range good {
			bad[k] = x
		}
		bad[key] = v
		if p := d.problems(schema, bad, "body"); len(p) != 1 {
			t.Errorf("%s = %v: got %v, want one problem", key, v, p)
		}
	}
	delete(good, "text")
	if p := d.problems(schema, good, "body"); len(p) != 1 {
		t.Errorf("without text: got %v, want one problem", p)
	}
}
