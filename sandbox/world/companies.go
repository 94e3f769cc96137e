package world

import "fmt"

// Contact is a person at a customer.
type Contact struct {
	Name   string
	Title  string
	Role   string // champion, decision_maker, user or blocker
	Stance string // supportive, neutral or critical
	Days   int    // days since the last contact, counted from the start
}

// Account is a customer as the sandbox knows it.
type Account struct {
	ID        string // as imported
	Name      string
	Domain    string
	CRMID     string // company id in the CRM
	Segment   string // smb, mid or enterprise
	Region    string
	Territory string
	ARRCents  int64 // a year, in USD cents
	Seats     int64 // licensed
	Plan      string
	EndsIn    int // days from the start to the contract's last day
	CSM, AE   string
	Health    float64 // score at the start
	Contacts  []Contact

	seatsFrom, seatsTo int64 // seats in use 120 days ago and lately, both within the licence
	activeGrowth       float64
}

func (a Account) csmEmail() string { return a.CSM + "@" + Domain }
func (a Account) aeEmail() string {
	if a.AE == "" {
		return ""
	}
	return a.AE + "@" + Domain
}

// Days in the numbers below count from the start: Brightwater's contract ends 82
// days after it, as in the storyboard.
var accounts = numbered([]Account{
	{
		ID: "brightwater", Name: "Brightwater Labs", Domain: "brightwater.example", Segment: "mid", Region: "EMEA", Territory: "West",
		ARRCents: 4_800_000, Seats: 120, Plan: "team", EndsIn: 82, CSM: "priya", AE: "marcus", Health: 82, seatsFrom: 96, seatsTo: 118, activeGrowth: 0.18,
		Contacts: []Contact{
			{"Jo Park", "VP Operations", "champion", "supportive", 7},
			{"Sam Lee", "CFO", "decision_maker", "neutral", 34},
			{"Nadia Brandt", "IT lead", "user", "supportive", 12},
		},
	},
	{
		ID: "kestrel", Name: "Kestrel Freight", Domain: "kestrel.example", Segment: "mid", Region: "EMEA", Territory: "West",
		ARRCents: 7_200_000, Seats: 200, Plan: "business", EndsIn: 171, CSM: "priya", AE: "marcus", Health: 74, seatsFrom: 176, seatsTo: 197, activeGrowth: 0.06,
		Contacts: []Contact{
			{"Ana Ruiz", "Head of planning", "champion", "supportive", 5},
			{"Pieter Vos", "COO", "decision_maker", "neutral", 51},
			{"Lou Kemp", "Depot manager", "user", "neutral", 20},
		},
	},
	{
		ID: "alder", Name: "Alder & Co", Domain: "alder.example", Segment: "smb", Region: "EMEA", Territory: "West",
		ARRCents: 2_160_000, Seats: 60, Plan: "team", EndsIn: 133, CSM: "priya", AE: "marcus", Health: 79, seatsFrom: 51, seatsTo: 59, activeGrowth: 0.09,
		Contacts: []Contact{
			{"Mira Okafor", "Managing partner", "decision_maker", "supportive", 16}, {"Tim Aldous", "Office manager", "champion", "supportive", 9},
		},
	},
	{
		ID: "northlight", Name: "Northlight Energy", Domain: "northlight.example", Segment: "enterprise", Region: "EMEA", Territory: "North",
		ARRCents: 31_200_000, Seats: 650, Plan: "enterprise", EndsIn: 240, CSM: "jonas", AE: "aisha", Health: 86, seatsFrom: 570, seatsTo: 588, activeGrowth: 0.03,
		Contacts: []Contact{
			{"Greta Lund", "Director of field work", "champion", "supportive", 11},
			{"Oskar Berg", "CIO", "decision_maker", "neutral", 45},
			{"Elin Sand", "Procurement", "blocker", "critical", 62},
		},
	},
	{
		ID: "harborline", Name: "Harborline Shipping", Domain: "harborline.example", Segment: "enterprise", Region: "AMER", Territory: "East",
		ARRCents: 21_600_000, Seats: 450, Plan: "enterprise", EndsIn: 305, CSM: "jonas", AE: "ben", Health: 77, seatsFrom: 398, seatsTo: 405, activeGrowth: 0.02,
		Contacts: []Contact{
			{"Rosa Delgado", "VP Logistics", "champion", "supportive", 14}, {"Hank Moreau", "CFO", "decision_maker", "neutral", 70},
		},
	},
	{
		ID: "fernwood", Name: "Fernwood Clinics", Domain: "fernwood.example", Segment: "mid", Region: "AMER", Territory: "East",
		ARRCents: 9_600_000, Seats: 160, Plan: "business", EndsIn: 96, CSM: "jonas", AE: "ben", Health: 68, seatsFrom: 131, seatsTo: 137, activeGrowth: 0.01,
		Contacts: []Contact{
			{"Dr Amit Sole", "Medical director", "decision_maker", "neutral", 28}, {"Bea Quinn", "Practice lead", "champion", "supportive", 6},
		},
	},
	{
		ID: "quillon", Name: "Quillon Press", Domain: "quillon.example", Segment: "smb", Region: "EMEA", Territory: "West",
		ARRCents: 1_440_000, Seats: 40, Plan: "team", EndsIn: 58, CSM: "priya", AE: "dana", Health: 71, seatsFrom: 33, seatsTo: 34, activeGrowth: 0.0,
		Contacts: []Contact{
			{"Ada Finch", "Publisher", "decision_maker", "supportive", 22}, {"Rui Lopes", "Production editor", "user", "supportive", 3},
		},
	},
	{
		ID: "copperleaf", Name: "Copperleaf Foods", Domain: "copperleaf.example", Segment: "mid", Region: "EMEA", Territory: "West",
		ARRCents: 6_300_000, Seats: 175, Plan: "business", EndsIn: 214, CSM: "priya", AE: "", Health: 63, seatsFrom: 140, seatsTo: 146, activeGrowth: 0.04,
		Contacts: []Contact{
			{"Yusuf Arslan", "Plant director", "champion", "neutral", 18}, {"Kate Morrow", "Finance director", "decision_maker", "critical", 81},
		},
	},
	{
		ID: "tidewell", Name: "Tidewell Insurance", Domain: "tidewell.example", Segment: "enterprise", Region: "EMEA", Territory: "North",
		ARRCents: 43_200_000, Seats: 900, Plan: "enterprise", EndsIn: 152, CSM: "jonas", AE: "aisha", Health: 88, seatsFrom: 801, seatsTo: 812, activeGrowth: 0.02,
		Contacts: []Contact{
			{"Ingrid Vale", "Head of claims", "champion", "supportive", 8},
			{"Paul Ettis", "CTO", "decision_maker", "supportive", 31},
			{"Marta Roy", "Security officer", "blocker", "neutral", 40},
		},
	},
	{
		ID: "oakhurst", Name: "Oakhurst College", Domain: "oakhurst.example", Segment: "mid", Region: "AMER", Territory: "East",
		ARRCents: 5_400_000, Seats: 300, Plan: "education", EndsIn: 188, CSM: "jonas", AE: "ben", Health: 75, seatsFrom: 241, seatsTo: 247, activeGrowth: 0.05,
		Contacts: []Contact{
			{"Lynn Abbot", "Dean of studies", "decision_maker", "neutral", 55}, {"Omar Haddad", "IT coordinator", "champion", "supportive", 13},
		},
	},
	{
		ID: "veldt", Name: "Veldt Robotics", Domain: "veldt.example", Segment: "smb", Region: "EMEA", Territory: "West",
		ARRCents: 3_000_000, Seats: 50, Plan: "business", EndsIn: 271, CSM: "priya", AE: "dana", Health: 84, seatsFrom: 40, seatsTo: 43, activeGrowth: 0.07,
		Contacts: []Contact{
			{"Thabo Nkosi", "Founder", "decision_maker", "supportive", 10}, {"Ines Vidal", "Lead engineer", "champion", "supportive", 4},
		},
	},
	{
		ID: "summerset", Name: "Summerset Hotels", Domain: "summerset.example", Segment: "enterprise", Region: "APAC", Territory: "",
		ARRCents: 18_000_000, Seats: 500, Plan: "enterprise", EndsIn: 330, CSM: "jonas", AE: "", Health: 66, seatsFrom: 408, seatsTo: 420, activeGrowth: 0.03,
		Contacts: []Contact{
			{"Mei Tan", "Group operations", "champion", "neutral", 25}, {"Arjun Pillai", "CEO", "decision_maker", "neutral", 90},
		},
	},
})

func numbered(list []Account) []Account {
	for i := range list {
		list[i].CRMID = fmt.Sprintf("%d", 9001+i)
	}
	return list
}

// Accounts lists the twelve customers, those of the storyboard first.
func Accounts() []Account { return append([]Account(nil), accounts...) }
