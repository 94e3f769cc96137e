package route

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"expansionbot/expansion"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"go.yaml.in/yaml/v3"
)

// env is what a condition may look at. Numbers nobody knows are NaN, so that every
// comparison with them is false.
type env struct {
	Account accountEnv `expr:"account"`
	Signal  signalEnv  `expr:"signal"`
}

type accountEnv struct {
	ID        string  `expr:"id"`
	Segment   string  `expr:"segment"`
	Region    string  `expr:"region"`
	Territory string  `expr:"territory"`
	Plan      string  `expr:"plan"`
	Currency  string  `expr:"currency"`
	ARR       float64 `expr:"arr"`
	ARRKnown  bool    `expr:"arr_known"`
	HasCSM    bool    `expr:"has_csm"`
	HasAE     bool    `expr:"has_original_ae"`
	HasOpen   bool    `expr:"has_open_opportunity"`
}

type signalEnv struct {
	Type           string  `expr:"type"`
	Strength       string  `expr:"strength"`
	ExpansionType  string  `expr:"expansion_type"`
	Score          float64 `expr:"score"`
	Potential      float64 `expr:"potential"`
	PotentialKnown bool    `expr:"potential_known"`
}

func envOf(f *expansion.Facts) env {
	major := func(minor *int64) float64 {
		if minor == nil {
			return math.NaN()
		}
		return float64(*minor) / 100
	}
	return env{
		Account: accountEnv{
			ID: string(f.AccountID), Segment: f.Segment, Region: f.Region, Territory: f.Territory, Plan: f.Plan, Currency: f.Currency,
			ARR: major(f.ARRMinor), ARRKnown: f.ARRMinor != nil,
			HasCSM: f.CSM != "", HasAE: f.OriginalAE != "", HasOpen: len(f.OpenOwners) > 0,
		},
		Signal: signalEnv{
			Type: string(f.Type), Strength: string(f.Strength), ExpansionType: string(f.ExpansionType),
			Score: f.Score, Potential: major(f.PotentialMinor), PotentialKnown: f.PotentialMinor != nil,
		},
	}
}

// texts and numbers are the fields that comparisons are compiled for natively.
var texts = map[string]func(*env) string{
	"account.id": func(e *env) string { return e.Account.ID }, "account.segment": func(e *env) string { return e.Account.Segment },
	"account.region": func(e *env) string { return e.Account.Region }, "account.territory": func(e *env) string { return e.Account.Territory },
	"account.plan": func(e *env) string { return e.Account.Plan }, "account.currency": func(e *env) string { return e.Account.Currency },
	"signal.type": func(e *env) string { return e.Signal.Type }, "signal.strength": func(e *env) string { return e.Signal.Strength },
	"signal.expansion_type": func(e *env) string { return e.Signal.ExpansionType },
}

var numbers = map[string]func(*env) float64{
	"account.arr": func(e *env) float64 { return e.Account.ARR }, "signal.score": func(e *env) float64 { return e.Signal.Score },
	"signal.potential": func(e *env) float64 { return e.Signal.Potential },
}

var flags = map[string]func(*env) bool{
	"account.arr_known": func(e *env) bool { return e.Account.ARRKnown }, "account.has_csm": func(e *env) bool { return e.Account.HasCSM },
	"account.has_original_ae":      func(e *env) bool { return e.Account.HasAE },
	"account.has_open_opportunity": func(e *env) bool { return e.Account.HasOpen },
	"signal.potential_known":       func(e *env) bool { return e.Signal.PotentialKnown },
}

// closedWords are the fields with a fixed set of values: another word never matches.
var closedWords = map[string][]string{
	"signal.type": wordsOf(expansion.SignalTypes), "signal.expansion_type": wordsOf(expansion.ExpansionTypes),
	"signal.strength": {string(expansion.Strong), string(expansion.Moderate), string(expansion.Exploratory)},
}

func wordsOf[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, w := range in {
		out[i] = string(w)
	}
	return out
}

// condition is a rule's when: atoms that must all hold. No atoms always hold.
type condition struct {
	source string
	atoms  []atom
}

// atom is one operand of the condition's outermost "and". Comparisons of one field
// with constants are compiled to a few machine words (Decide's speed rests on it);
// the rest runs as an expr program.
type atom struct {
	source string
	fields []string // the fields it looks at, in order of appearance
	wants  string   // "; the rule wants …"

	text   func(*env) string // text atoms: the field is (or, with not, isn't) one of words
	words  []string
	not    bool
	number func(*env) float64 // number atoms: the field lies in span
	span   span
	prog   *vm.Program
}

// span is a range of numbers. NaN lies in none.
type span struct {
	lo, hi         float64
	loOpen, hiOpen bool
}

func (s span) has(v float64) bool {
	return (v > s.lo || !s.loOpen && v == s.lo) && (v < s.hi || !s.hiOpen && v == s.hi)
}

func (a *atom) holds(e *env) bool {
	switch {
	case a.text != nil:
		return slices.Contains(a.words, a.text(e)) != a.not
	case a.number != nil:
		return a.span.has(a.number(e))
	}
	// A condition that cannot be evaluated (an index out of range, say) doesn't hold.
	own := *e // only this copy goes to the heap
	out, err := expr.Run(a.prog, &own)
	ok, isBool := out.(bool)
	return err == nil && isBool && ok
}

// failing returns the first atom that doesn't hold, nil when all do.
func (c *condition) failing(e *env) *atom {
	for i := range c.atoms {
		if !c.atoms[i].holds(e) {
			return &c.atoms[i]
		}
	}
	return nil
}

// explain says why the atom doesn't hold: the fields it looks at and what it wants.
func (a *atom) explain(e *env) string {
	if len(a.fields) == 1 {
		return a.fields[0] + " is " + fieldText(a.fields[0], e) + a.wants
	}
	var b strings.Builder
	for i, name := range a.fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
		b.WriteString(" is ")
		b.WriteString(fieldText(name, e))
	}
	b.WriteString(a.wants)
	return strings.TrimPrefix(b.String(), "; ")
}

func fieldText(name string, e *env) string {
	if f := texts[name]; f != nil {
		if s := f(e); s != "" {
			return s
		}
		return "not set"
	}
	if f := numbers[name]; f != nil {
		if v := f(e); !math.IsNaN(v) {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return "not known"
	}
	if f := flags[name]; f != nil {
		return strconv.FormatBool(f(e))
	}
	return "not a field"
}

// allowedBuiltins are the functions a condition may call. now() and the like are left
// out: a decision must be the same whenever it is made.
var allowedBuiltins = []string{"len", "lower", "upper", "trim", "any", "all", "none", "one"}

// maxConditionNodes bounds the size of a condition's syntax tree.
const maxConditionNodes = 500

func compile(source string) (*vm.Program, error) {
	options := []expr.Option{expr.Env(env{}), expr.AsBool(), expr.DisableAllBuiltins(), expr.MaxNodes(maxConditionNodes)}
	for _, b := range allowedBuiltins {
		options = append(options, expr.EnableBuiltin(b))
	}
	return expr.Compile(source, options...)
}

// condition compiles a when and reports what is wrong with it.
func (r *policyReader) condition(source string, n *yaml.Node, path string) condition {
	c, err := newCondition(source)
	if err != nil {
		what, column := err.Error(), 0
		if fe, ok := errors.AsType[*file.Error](err); ok {
			what, column = fe.Message, fe.Column+1
		}
		what = goTypes.Replace(what)
		r.ps.errorf(n.Line, path, "The condition does not compile at column %d of %q: %s.%s", column, source, strings.TrimSuffix(what, "."), fieldHint(what))
		return c
	}
	for _, w := range c.wrongWords() {
		r.ps.errorf(n.Line, path, "%s", w)
	}
	return c
}

// goTypes puts the words of the policy for the types of this package.
var goTypes = strings.NewReplacer("type route.accountEnv", "account", "type route.signalEnv", "signal", "route.accountEnv", "account", "route.signalEnv", "signal", "float64", "number")

func fieldHint(what string) string {
	if strings.Contains(what, "unknown name") || strings.Contains(what, "has no field") {
		return " The fields are listed at the top of the shipped policy.yaml."
	}
	return ""
}

func newCondition(source string) (condition, error) {
	whole, err := compile(source)
	if err != nil {
		return condition{source: source}, err
	}
	c := condition{source: source}
	tree, err := parser.Parse(source)
	if err != nil {
		return c, fmt.Errorf("parse %q again: %w", source, err)
	}
	for _, n := range conjuncts(tree.Node, nil) {
		a := newAtom(n.String(), n)
		if !a.native(n) {
			if a.prog, err = compile(a.source); err != nil {
				// An operand that can't stand alone: keep the condition in one piece.
				one := newAtom(source, tree.Node)
				one.prog, c.atoms = whole, []atom{one}
				return c, nil
			}
		}
		c.atoms = append(c.atoms, a)
	}
	return c, nil
}

func newAtom(source string, n ast.Node) atom {
	return atom{source: source, fields: fieldsOf(n), wants: "; the rule wants " + source}
}

func conjuncts(n ast.Node, out []ast.Node) []ast.Node {
	if b, ok := n.(*ast.BinaryNode); ok && (b.Operator == "and" || b.Operator == "&&") {
		return conjuncts(b.Right, conjuncts(b.Left, out))
	}
	return append(out, n)
}

// native compiles comparisons of one field with constants, and reports whether n is one.
func (a *atom) native(n ast.Node) bool {
	if u, ok := n.(*ast.UnaryNode); ok && (u.Operator == "not" || u.Operator == "!") {
		if !a.native(u.Node) || a.text == nil {
			a.text, a.number = nil, nil
			return false
		}
		a.not = !a.not
		return true
	}
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return false
	}
	name := fieldName(b.Left)
	if get := texts[name]; get != nil {
		words, ok := constantWords(b.Right)
		if _, isList := b.Right.(*ast.ArrayNode); !ok || isList != (b.Operator == "in") || b.Operator != "==" && b.Operator != "!=" && b.Operator != "in" {
			return false
		}
		a.text, a.words, a.not = get, words, b.Operator == "!="
		return true
	}
	get, v, ok := numbers[name], 0.0, false
	switch c := b.Right.(type) {
	case *ast.IntegerNode:
		v, ok = float64(c.Value), true
	case *ast.FloatNode:
		v, ok = c.Value, true
	}
	if get == nil || !ok {
		return false
	}
	s := span{lo: math.Inf(-1), hi: math.Inf(1)}
	switch b.Operator {
	case "==":
		s.lo, s.hi = v, v
	case ">":
		s.lo, s.loOpen = v, true
	case ">=":
		s.lo = v
	case "<":
		s.hi, s.hiOpen = v, true
	case "<=":
		s.hi = v
	default:
		return false
	}
	a.number, a.span = get, s
	return true
}

func fieldName(n ast.Node) string {
	m, ok := n.(*ast.MemberNode)
	if !ok || m.Optional {
		return ""
	}
	root, ok := m.Node.(*ast.IdentifierNode)
	if !ok {
		return ""
	}
	key, ok := m.Property.(*ast.StringNode)
	if !ok {
		return ""
	}
	return root.Value + "." + key.Value
}

// constantWords returns the texts of a string constant or a list of them.
func constantWords(n ast.Node) ([]string, bool) {
	switch c := n.(type) {
	case *ast.StringNode:
		return []string{c.Value}, true
	case *ast.ArrayNode:
		out := make([]string, 0, len(c.Nodes))
		for _, e := range c.Nodes {
			s, ok := e.(*ast.StringNode)
			if !ok {
				return nil, false
			}
			out = append(out, s.Value)
		}
		return out, true
	}
	return nil, false
}

type fieldVisitor struct {
	names []string
	wrong []string
}

// Visit implements ast.Visitor.
func (v *fieldVisitor) Visit(n *ast.Node) {
	if name := fieldName(*n); name != "" && !slices.Contains(v.names, name) {
		v.names = append(v.names, name)
	}
	b, ok := (*n).(*ast.BinaryNode)
	if !ok || b.Operator != "==" && b.Operator != "!=" && b.Operator != "in" {
		return
	}
	name, other := fieldName(b.Left), b.Right
	if name == "" {
		name, other = fieldName(b.Right), b.Left
	}
	words, _ := constantWords(other)
	for _, w := range words {
		if known := closedWords[name]; known != nil && !slices.Contains(known, w) {
			v.wrong = append(v.wrong, fmt.Sprintf("%s is never %q. It is one of %s.", name, w, strings.Join(known, ", ")))
		}
	}
}

func fieldsOf(n ast.Node) []string {
	var v fieldVisitor
	ast.Walk(&n, &v)
	return v.names
}

// wrongWords reports comparisons of a field with a word it never has.
func (c *condition) wrongWords() []string {
	tree, err := parser.Parse(c.source)
	if err != nil {
		return nil
	}
	var v fieldVisitor
	ast.Walk(&tree.Node, &v)
	return v.wrong
}
