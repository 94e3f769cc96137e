package blocks

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/rivo/uniseg"

	"expansionbot/expansion"
)

// Slack's limits in characters (Block Kit reference). We count UTF-16 units, which is
// never less than what Slack counts, whichever way it counts emoji.
const (
	maxHeader      = 150
	maxButton      = 75
	maxOption      = 75
	maxOptionValue = 75 // 150 by some sources, 75 by others: the smaller one
	maxPlaceholder = 150
	maxSection     = 3000
	maxField       = 2000
	maxContext     = 2000
	maxTitle       = 24
	maxAlert       = 200
	maxHint        = 2000
	maxText        = 4000 // chat.update refuses more
)

// Our own shorter limits, so that a card is read in five seconds.
const (
	nameLen  = 60
	lineLen  = 200
	quoteLen = 280
)

const isolate, endIsolate = "\u2068", "\u2069"

// clean makes one visible line of s: valid UTF-8, no control or bidi characters, runs of
// white space as one space. It may be empty.
func clean(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && !joins(r), unicode.Is(unicode.Co, r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// joins reports format characters that shape letters and emoji: without them names
// in Persian or Hindi and family or flag emoji fall apart.
func joins(r rune) bool {
	return r == '\u200C' || r == '\u200D' || r >= 0xE0020 && r <= 0xE007F
}

// rtl reports whether s has a letter written from right to left.
func rtl(s string) bool {
	for _, r := range s {
		if r >= 0x0590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam) {
			return true
		}
	}
	return false
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// cutWith writes the graphemes of s through out and stops at limit UTF-16 units, the
// last one being "…" when something was left off.
func cutWith(s string, limit int, out func(string) string) string {
	var b strings.Builder
	n, keep := 0, 0 // keep: bytes that leave room for "…"
	state := -1
	for rest := s; rest != ""; {
		var g string
		g, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		o := out(g)
		w := units(o)
		if n+w > limit {
			return strings.TrimRight(b.String()[:keep], " ") + "…"
		}
		b.WriteString(o)
		if n += w; n < limit {
			keep = b.Len()
		}
	}
	return b.String()
}

// cut is s as one clean line of at most limit characters for plain_text objects.
func cut(s string, limit int) string {
	s = clean(s)
	if rtl(s) {
		return isolate + cutWith(s, limit-2, same) + endIsolate
	}
	return cutWith(s, limit, same)
}

func same(s string) string { return s }

// marks are mrkdwn's formatting characters. Slack has no escape for them and treats a
// zero-width space beside one as a word boundary, so look-alikes are the only sure way.
var marks = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "ˋ")

// esc is s for mrkdwn: one clean line of at most limit characters as they go over the
// wire, nothing in it formats, links or mentions, and it is never cut inside an entity.
func esc(s string, limit int) string {
	s = clean(s)
	wrapped := rtl(s)
	if wrapped {
		limit -= 2
	}
	s = cutWith(underscores(s), limit, marks.Replace)
	if wrapped {
		s = isolate + s + endIsolate
	}
	return s
}

// underscores replaces every underscore but those inside a word ("seats_used"), which do
// not format.
func underscores(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	rs := []rune(s)
	word := func(i int) bool {
		return i >= 0 && i < len(rs) && (unicode.IsLetter(rs[i]) || unicode.IsDigit(rs[i]))
	}
	for i, r := range rs {
		if r == '_' && !(word(i-1) && word(i+1)) {
			rs[i] = '＿'
		}
	}
	return string(rs)
}

var (
	emailRE = regexp.MustCompile(`[\pL\pN._%+-]+@([\pL\pN-]+(\.[\pL\pN-]+)+)`)
	phoneRE = regexp.MustCompile(`\+?\(?\d[\d ().\-/]{6,}\d`)
)

// mask hides e-mail addresses and phone numbers in customer text (storyboard 1.10); the
// full brief alone shows them.
func mask(s string) string {
	s = emailRE.ReplaceAllString(s, "•••@$1")
	return phoneRE.ReplaceAllStringFunc(s, func(p string) string {
		digits := 0
		for _, r := range p {
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		if digits < 9 { // dates, amounts and seat counts
			return p
		}
		return "•••" + p[len(p)-2:]
	})
}

// name is a person's, account's or thing's name in mrkdwn.
func name(s string) string { return orNone(esc(s, nameLen)) }

// plainName is name for plain_text.
func plainName(s string) string { return orNone(cut(s, nameLen)) }

func orNone(s string) string {
	if s == "" {
		return "(no name)"
	}
	return s
}

// said is customer text in mrkdwn, masked.
func said(s string, limit int) string { return esc(mask(s), limit) }

// quoted is said between quotation marks.
func quoted(s string, limit int) string { return "“" + said(s, limit-2) + "”" }

// lower writes the first letter small, for a label inside a sentence; words in capitals
// stay ("AE").
func lower(s string) string {
	r := []rune(s)
	if len(r) == 0 || len(r) > 1 && unicode.IsUpper(r[1]) {
		return s
	}
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

// upper writes the first letter large.
func upper(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// ended puts a full stop behind a sentence that has no end.
func ended(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "…") || strings.HasSuffix(s, "”") {
		return s
	}
	return s + "."
}

// joined is the non-empty parts with sep between.
func joined(sep string, parts ...string) string {
	out := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

// safeURL is u when it is an absolute web address within Slack's 3,000 characters, else "".
func safeURL(u string) string {
	p, err := url.Parse(u)
	if err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" || units(u) > 3000 || strings.ContainsAny(u, " <>|\"\n\t") {
		return ""
	}
	return u
}

// webLink is an mrkdwn link; without a safe address it is the label alone, which is
// escaped already.
func webLink(u, label string) string {
	if u = safeURL(u); u == "" || units(u) > 500 {
		return label
	}
	return "<" + strings.ReplaceAll(u, "&", "&amp;") + "|" + label + ">"
}

// fit is the lines that go into limit characters, with the number of those left off.
func fit(lines []string, limit int) string {
	n := 0
	for i, l := range lines {
		if n += units(l) + 1; n > limit-20 && i > 0 {
			return strings.Join(lines[:i], "\n") + "\nAnd " + expansion.Count(len(lines)-i, "more line") + "."
		}
	}
	return strings.Join(lines, "\n")
}

var tokenRE = regexp.MustCompile(`<[^<>|]*\|([^<>]*)>`)

// spoken is mrkdwn for the fallback text, which is read out or shown in a notification:
// date tokens and links as their words, without bold, at most Slack's length.
func spoken(s string) string {
	s = strings.ReplaceAll(tokenRE.ReplaceAllString(s, "$1"), "*", "")
	if units(s) <= maxText {
		return s
	}
	return cutWith(s, maxText-8, same) // the cut may halve an entity, which then reads as text
}
