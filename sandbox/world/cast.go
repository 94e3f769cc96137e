package world

import "strings"

// Domain is the mail domain of the sandbox's own people.
const Domain = "acme.example"

// Zone is where the sandbox's office is: its days begin and its mornings come there.
const Zone = "Europe/Lisbon"

// Person is one of the cast.
type Person struct {
	Name        string
	Email       string // lower case, at Domain
	Handle      string // Slack handle
	Title       string // what Slack shows under the name
	Role        string // csm, ae, specialist, manager or revops
	Territory   string // "" if none
	Manager     string // e-mail, "" for the last in line
	MaxOpen     string // open routings at most, "" = no limit
	TimeZone    string // IANA
	Specialties string // expansion types joined by ";", "" = all
	SlackID     string
	OwnerID     string // owner in the CRM
}

func person(name, title, role, territory, manager, maxOpen, zone, specialties, owner string) Person {
	handle := strings.ToLower(strings.Fields(name)[0])
	if manager != "" {
		manager += "@" + Domain
	}
	return Person{
		Name: name, Email: handle + "@" + Domain, Handle: handle, Title: title, Role: role, Territory: territory,
		Manager: manager, MaxOpen: maxOpen, TimeZone: zone, Specialties: specialties,
		SlackID: "U0" + strings.ToUpper(handle), OwnerID: owner,
	}
}

var cast = []Person{
	person("Priya Nair", "Customer success", "csm", "", "lena", "", "Europe/Lisbon", "", "501"),
	person("Marcus Bell", "Account executive", "ae", "West", "lena", "8", "Europe/Dublin", "", "502"),
	person("Dana Ortiz", "Account executive", "ae", "West", "lena", "8", "Europe/Madrid", "", "503"),
	person("Tomoko Sato", "Expansion specialist", "specialist", "", "lena", "6", "Europe/Berlin", "tier;cross_sell;seats;upsell", "504"),
	person("Lena Hoff", "Sales manager", "manager", "", "", "", "Europe/Berlin", "", "505"),
	person("Ravi Menon", "Revenue operations", "revops", "", "", "", "Europe/London", "", "506"),
	person("Ines Duarte", "Revenue operations", "revops", "", "", "", "Europe/Lisbon", "", "507"),
	person("Jonas Weber", "Customer success", "csm", "", "lena", "", "Europe/Berlin", "", "508"),
	person("Ben Carter", "Account executive", "ae", "East", "lena", "8", "America/New_York", "", "509"),
	person("Aisha Rahman", "Account executive", "ae", "North", "lena", "8", "Europe/Stockholm", "", "510"),
}

// Cast lists the people, Priya and Marcus first. Handles are unique first names in
// lower case.
func Cast() []Person { return append([]Person(nil), cast...) }

// ByHandle finds one of the cast by first name in lower case.
func ByHandle(handle string) (Person, bool) {
	for _, p := range cast {
		if p.Handle == handle {
			return p, true
		}
	}
	return Person{}, false
}
