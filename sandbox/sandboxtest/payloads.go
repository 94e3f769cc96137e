package sandboxtest

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
)

// sent is what the bot sent in every sandbox of this process.
var sent struct {
	sync.Mutex
	seen map[string]bool
	all  []json.RawMessage
}

// keep remembers payloads of a shape that was not sent before.
func keep(payloads []json.RawMessage) {
	sent.Lock()
	defer sent.Unlock()
	if sent.seen == nil {
		sent.seen = map[string]bool{}
	}
	for _, p := range payloads {
		var v any
		if json.Unmarshal(p, &v) != nil {
			continue // the sandbox's Slack kept only what it could read
		}
		key, err := json.Marshal(shape("", v))
		if err == nil && !sent.seen[string(key)] {
			sent.seen[string(key)] = true
			sent.all = append(sent.all, bytes.Clone(p))
		}
	}
}

// shape is v without its texts, ids and repeated list items: what a type can be wrong
// about.
func shape(key string, v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, y := range x {
			out[k] = shape(k, y)
		}
		return out
	case []any:
		seen := map[string]bool{}
		var out []any
		for _, y := range x {
			s := shape(key, y)
			if b, err := json.Marshal(s); err == nil && !seen[string(b)] {
				seen[string(b)] = true
				out = append(out, s)
			}
		}
		return out
	case string:
		if key == "type" || key == "style" || key == "level" {
			return x
		}
		return ""
	case float64:
		return 0
	}
	return v
}

// Payloads lists one payload of each shape the bot sent in the sandboxes that have ended,
// oldest first, as slack.Server.Payloads does for one sandbox.
func Payloads() []json.RawMessage {
	sent.Lock()
	defer sent.Unlock()
	return slices.Clone(sent.all)
}
