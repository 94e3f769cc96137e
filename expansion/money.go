package expansion

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Money is an amount in minor units (cents) of an ISO 4217 currency with two
// decimals. The zero value is "0 of no currency"; an unknown amount is a nil *Money.
type Money struct {
	Minor    int64
	Currency string
}

// Major returns the amount in major units (dollars), for JSON and the CRM.
func (m Money) Major() float64 { return float64(m.Minor) / 100 }

// MoneyFromMajor rounds an amount in major units to the nearest minor unit.
func MoneyFromMajor(major float64, currency string) Money {
	return Money{Minor: int64(math.Round(major * 100)), Currency: strings.ToUpper(currency)}
}

// Add returns the sum. Amounts of different currencies are never added: ok is false.
func (m Money) Add(o Money) (sum Money, ok bool) {
	if m.Currency != o.Currency {
		return m, false
	}
	return Money{m.Minor + o.Minor, m.Currency}, true
}

var currencySigns = map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}

// String writes the amount as people do: "$48,000", "€1,250.50", "CHF 900".
// Cents appear only when they are not zero.
func (m Money) String() string {
	minor, sign := m.Minor, ""
	if minor < 0 {
		minor, sign = -minor, "-"
	}
	whole := group(minor / 100)
	if c := minor % 100; c != 0 {
		whole += fmt.Sprintf(".%02d", c)
	}
	if s, ok := currencySigns[m.Currency]; ok {
		return sign + s + whole
	}
	if m.Currency == "" {
		return sign + whole
	}
	return sign + m.Currency + " " + whole
}

// Signed is String with a plus in front of amounts above zero: "+$19,200".
func (m Money) Signed() string {
	if m.Minor > 0 {
		return "+" + m.String()
	}
	return m.String()
}

func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

type moneyJSON struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
}

// MarshalJSON writes {"amount": major units, "currency": code}.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(moneyJSON{m.Major(), m.Currency})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Money) UnmarshalJSON(b []byte) error {
	var v moneyJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = MoneyFromMajor(v.Amount, v.Currency)
	return nil
}
