package page

import (
	"encoding/json"
	"fmt"
	"sync"
)

// step is one line of the guide strip.
type step struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	How   string `json:"how"` // what to do, in a sentence or two
	Done  bool   `json:"done"`
}

var steps = []step{
	{ID: "route", Title: "Watch a usage signal route itself", How: "A few seconds after the start Brightwater Labs goes over its licence and Priya gets a card. Press Route now, or +1 h and it routes by itself: Marcus gets the handoff, the CRM an opportunity."},
	{ID: "away", Title: "Send Marcus away", How: "As Marcus, type /expansion ooo today cover @dana. Then press +4 h: the next signal, from Alder & Co, goes to Dana. See it in her Slack: click a name to change whose it is."},
	{ID: "escalate", Title: "Let 48 h pass", How: "Leave a handoff unanswered and press +48 h. Lena, the sales manager, is asked what to do; click a name to open her Slack in that pane."},
	{ID: "break", Title: "Break the CRM", How: "Switch the CRM off at the top right, log a signal as Priya and route it: the handoff goes out all the same. Switch the CRM on again and press +1 h: one opportunity appears, not two."},
	{ID: "won", Title: "Close it as won, see the report", How: "In the CRM tab, on the right, set an opportunity's stage to Closed Won; within a minute everybody's card says so. Then type /expansion report."},
}

// guide remembers which steps really happened. Once ticked a step stays ticked.
type guide struct {
	mu     sync.Mutex
	done   map[string]bool
	report bool // the report command was run
	won    bool
	broke  bool // the CRM was seen down
	made   int  // opportunities ever created when it went down
}

func (g *guide) list() []step {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := append([]step(nil), steps...)
	for i := range out {
		out[i].Done = g.done[out[i].ID]
	}
	return out
}

func (g *guide) reported() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.report = true
}

// checkGuide looks at what happened and ticks what is met.
func (s *Server) checkGuide() {
	g := &s.guide
	down, made := s.CRM.Down(), creations(s.CRM)
	seen := map[string]bool{"route": s.time.seen("routed"), "away": s.time.seen("away_set"), "escalate": s.time.seen("escalated")}
	won := s.time.seen("won")
	g.mu.Lock()
	was := fmt.Sprint(g.done, g.report, g.won, g.broke, g.made)
	if g.done == nil {
		g.done = map[string]bool{}
	}
	if down && !g.broke {
		g.broke, g.made = true, made
	}
	seen["break"] = g.broke && !down && made > g.made
	g.won = g.won || won
	seen["won"] = g.won && g.report
	for id, ok := range seen {
		if ok {
			g.done[id] = true
		}
	}
	moved := was != fmt.Sprint(g.done, g.report, g.won, g.broke, g.made)
	g.mu.Unlock()
	if moved {
		s.guideMoved()
	}
}

type guideState struct {
	Done   map[string]bool `json:"done"`
	Report bool            `json:"report"`
	Won    bool            `json:"won"`
	Broke  bool            `json:"broke"`
	Made   int             `json:"made"`
}

// Snapshot returns the guide's progress as JSON.
func (s *Server) Snapshot() ([]byte, error) {
	g := &s.guide
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Marshal(guideState{g.done, g.report, g.won, g.broke, g.made})
}

// Restore takes progress from Snapshot.
func (s *Server) Restore(b []byte) error {
	var in guideState
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("restore the guide: %w", err)
	}
	g := &s.guide
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done, g.report, g.won, g.broke, g.made = in.Done, in.Report, in.Won, in.Broke, in.Made
	return nil
}
