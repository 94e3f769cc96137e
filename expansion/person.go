package expansion

import (
	"strings"
	"time"
)

// Role is what a person of ours does.
type Role string

// The roles.
const (
	RoleCSM        Role = "csm"
	RoleAE         Role = "ae"
	RoleSpecialist Role = "specialist"
	RoleManager    Role = "manager"
	RoleRevOps     Role = "revops"
)

var roleLabels = map[Role]string{RoleCSM: "CSM", RoleAE: "AE", RoleSpecialist: "Expansion specialist", RoleManager: "Sales manager", RoleRevOps: "RevOps"}

// Label returns the words people see.
func (r Role) Label() string { return roleLabels[r] }

// Valid reports whether r is a known role.
func (r Role) Valid() bool { return roleLabels[r] != "" }

// Person is somebody of ours: a CSM, a seller, a manager or RevOps.
type Person struct {
	ID          PersonID        `json:"id"`
	Email       string          `json:"email"` // lower case, unique
	Name        string          `json:"name"`
	Role        Role            `json:"role"`
	Territory   string          `json:"territory,omitempty"`
	Manager     PersonID        `json:"manager,omitempty"`
	MaxOpen     *int            `json:"maxOpen"`               // open routings at most; nil = no limit, 0 = takes nothing
	TimeZone    string          `json:"timeZone,omitempty"`    // IANA; "" = UTC
	Specialties []ExpansionType `json:"specialties,omitempty"` // empty = all
	Active      bool            `json:"active"`
	SlackID     string          `json:"slackId,omitempty"`
	CRMOwnerID  string          `json:"crmOwnerId,omitempty"`
}

// FirstName is the name up to the first space.
func (p Person) FirstName() string {
	first, _, _ := strings.Cut(p.Name, " ")
	return first
}

// Location returns the person's time zone, UTC when it is empty or unknown.
func (p Person) Location() *time.Location {
	if p.TimeZone == "" {
		return time.UTC
	}
	if loc, err := time.LoadLocation(p.TimeZone); err == nil {
		return loc
	}
	return time.UTC
}

// Away is a leave: whole days in the person's own zone, both ends included.
type Away struct {
	Person PersonID  `json:"person"`
	From   time.Time `json:"from"` // a date, kept as 00:00 UTC of that date
	To     time.Time `json:"to"`
	Cover  PersonID  `json:"cover,omitempty"`
	Source string    `json:"source"` // "own" (/expansion ooo), "crm", "slack"
}

// Rep is a person as a routing decision sees them: ids and numbers only, no names.
type Rep struct {
	ID          PersonID        `json:"id"`
	Role        Role            `json:"role"`
	Territory   string          `json:"territory,omitempty"`
	Manager     PersonID        `json:"manager,omitempty"`
	MaxOpen     *int            `json:"maxOpen"`
	Open        int             `json:"open"` // routings open now
	TimeZone    string          `json:"timeZone,omitempty"`
	Specialties []ExpansionType `json:"specialties,omitempty"`
	Active      bool            `json:"active"`
	Away        []Away          `json:"away,omitempty"`
	Picks       int64           `json:"picks"` // times chosen from a pool so far, for round robin
}
