package expansion

import "time"

// MessageKind says what one message is; each kind has one look per channel.
type MessageKind string

// The kinds. Cards are edited in place, one live card per subject and person;
// thread lines are posted once under a card.
const (
	CardSignal     MessageKind = "card_signal"     // to the CSM: noticed, in review, routed … (3.2, 3.6)
	CardAsk        MessageKind = "card_ask"        // to the CSM: is this real? (3.5)
	CardHandoff    MessageKind = "card_handoff"    // to the rep (4.1, 4.3, 4.6)
	CardEscalation MessageKind = "card_escalation" // to the manager (5.1)
	CardQuestion   MessageKind = "card_question"   // to the CSM: the rep says it is not real, agree? (7.8)
	CardList       MessageKind = "card_list"       // several cases in one message
	CardNotice     MessageKind = "card_notice"     // a sentence that needs somebody to act (7.2, 7.12)
	ThreadLine     MessageKind = "thread_line"     // an activity, under the card it belongs to
	ThreadNudge    MessageKind = "thread_nudge"    // a reminder (4.7)
)

// Message is what a channel is asked to show one person.
type Message struct {
	Kind     MessageKind
	Case     *Case     // nil for CardList and some CardNotice
	Activity *Activity // ThreadLine only
	List     *List     // CardList only
	Text     string    // CardNotice: the sentence; ThreadNudge: ""
}

// ListKind says why several cases come in one message.
type ListKind string

// The kinds of list.
const (
	ListFirstScan   ListKind = "first_scan"   // true before we looked: routes only when chosen
	ListRoutedToday ListKind = "routed_today" // over the daily card limit, routed all the same
	ListWhileAway   ListKind = "while_away"   // went to covers (7.3)
	ListNudges      ListKind = "nudges"       // several late reminders as one
)

// List is several cases for one person.
type List struct {
	Kind  ListKind
	Day   time.Time // the reader's local date it is for
	Cases []Case
	Total int // more than len(Cases) when not all are drawn up; 0 = those
}

// Len is how many cases the list is about, drawn up or not.
func (l List) Len() int { return max(l.Total, len(l.Cases)) }
