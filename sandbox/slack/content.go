package slack

import (
	"encoding/json"
	"strings"
)

// content is what a message says, from any of the ways an app sends one.
type content struct {
	text     string
	blocks   json.RawMessage // normalised; nil if none
	metadata json.RawMessage
	// what was given at all: an update keeps the rest
	hasText, hasBlocks, hasMetadata bool
}

// content checks text, blocks and metadata of a message. where names the call in violations.
func (s *Server) content(c *call, where string) (content, error) {
	var out content
	out.text, out.hasText = c.str("text"), c.args["text"] != nil
	if broadcastMention.MatchString(out.text) {
		s.violate("%s: text holds a live <!channel>, <!here> or <!everyone>", where)
	}
	v, ok := c.json("blocks")
	if !ok {
		s.violate("%s: blocks are not JSON", where)
		return out, refuse("invalid_blocks_format")
	}
	if v != nil {
		blocks, isList := v.([]any)
		if !isList {
			s.violate("%s: blocks are not an array", where)
			return out, refuse("invalid_blocks_format")
		}
		k := checkBlocks(v, s.net.newer())
		if err := s.judge(k, where, "invalid_blocks"); err != nil {
			return out, err
		}
		if k.chars > maxBlocksChars || k.markdown > maxMarkdownChars {
			s.violate("%s: %d characters of blocks", where, k.chars)
			return out, refuse("msg_blocks_too_long")
		}
		out.hasBlocks = true
		if len(blocks) > 0 {
			s.sent(blocks)
			s.normalise(blocks)
			out.blocks = encode(blocks)
			if out.text == "" && !c.has("text") && where != "files.completeUploadExternal" {
				s.violate("%s: blocks without fallback text", where)
				c.warn = append(c.warn, "missing_text_in_message")
			}
		}
	}
	if v, ok := c.json("attachments"); !ok {
		return out, refuse("invalid_attachments")
	} else if l, _ := v.([]any); len(l) > 100 {
		return out, refuse("too_many_attachments")
	} else if len(l) > 0 && out.text == "" {
		out.text = attachmentText(l)
	}
	v, ok = c.json("metadata")
	if !ok {
		return out, refuse("invalid_metadata_format")
	}
	if v != nil {
		meta, keep, err := checkMetadata(v)
		if err != nil {
			s.violate("%s: %v", where, err)
			return out, err
		}
		out.hasMetadata = true
		if keep {
			out.metadata = meta
		}
	}
	return out, nil
}

// judge turns a checker's findings into Slack's refusal and a violation.
func (s *Server) judge(k *checker, where, code string) error {
	if k.broadcast {
		s.violate("%s: blocks hold a live broadcast mention", where)
	}
	if len(k.problems) == 0 {
		return nil
	}
	if !k.refused {
		s.violate("%s: %s", where, strings.Join(k.problems, "; "))
	}
	messages := make([]string, len(k.problems))
	for i, p := range k.problems {
		messages[i] = "[ERROR] " + p
	}
	return &apiError{code: code, more: obj{"errors": k.problems, "response_metadata": obj{"messages": messages}}}
}

// normalise fills in what Slack fills in: block ids and text flags.
func (s *Server) normalise(blocks []any) {
	for _, b := range blocks {
		m, ok := b.(obj)
		if !ok {
			continue
		}
		if id, _ := m["block_id"].(string); id == "" {
			m["block_id"] = secret()[:5]
		}
		s.fill(m)
	}
}

func (s *Server) fill(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.fill(e)
		}
	case obj:
		switch v["type"] {
		case "plain_text":
			if _, ok := v["emoji"]; !ok {
				v["emoji"] = true
			}
		case "mrkdwn":
			if _, ok := v["verbatim"]; !ok {
				v["verbatim"] = false
			}
		case "card":
			if id, _ := v["block_id"].(string); id == "" {
				v["block_id"] = secret()[:5]
			}
		}
		for key, e := range v {
			if children, ok := e.([]any); ok && key == "child_blocks" {
				s.normalise(children)
				continue
			}
			s.fill(e)
		}
		if t, _ := v["type"].(string); elementTable[t] != nil && t != "image" && v["action_id"] == nil {
			v["action_id"] = secret()[:5]
		}
	}
}

func attachmentText(l []any) string {
	m, _ := l[0].(obj)
	t, _ := m["fallback"].(string)
	if t == "" {
		t, _ = m["text"].(string)
	}
	return t
}

// checkMetadata wants {"event_type","event_payload"}; payloads are flat but for one level. keep is
// false for the empty object, and for the empty struct slack-go writes, which both mean none.
func checkMetadata(v any) (meta json.RawMessage, keep bool, err error) {
	m, ok := v.(obj)
	if !ok {
		return nil, false, refuse("invalid_metadata_format")
	}
	kind, _ := m["event_type"].(string)
	if kind == "" && m["event_payload"] == nil {
		return nil, false, nil
	}
	payload, ok := m["event_payload"].(obj)
	if kind == "" || !ok {
		return nil, false, refuse("invalid_metadata_schema")
	}
	for name := range m {
		if name != "event_type" && name != "event_payload" && name != "entities" {
			return nil, false, refuse("invalid_metadata_schema")
		}
	}
	for _, e := range payload {
		inner, nested := e.(obj)
		for _, deep := range inner {
			if _, tooDeep := deep.(obj); nested && tooDeep {
				return nil, false, refuse("invalid_metadata_schema")
			}
		}
	}
	meta = encode(m)
	if len(meta) > maxMetadataBytes {
		return nil, false, refuse("metadata_too_large")
	}
	return meta, true, nil
}
