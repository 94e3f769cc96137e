package sandboxtest_test

import (
	"testing"

	"expansionbot/sandbox/sandboxtest"
)

// Storyboard 10: a newcomer follows the guide strip from the first message to the
// report, by clicking in the page, and every step ticks itself.
func TestNewcomerFollowsTheGuideInABrowser(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandboxtest.Options{Feed: true})
	v := visit(t, s.Addresses().Page, 1480, 860)
	v.look("00-start")

	// 1 Watch a usage signal route itself.
	v.reads("#left .card", "Brightwater Labs may need more seats")
	v.look("10-priya-card")
	v.press("#left", "Edit or override")
	v.reads("#left .modal", "Confirm routing")
	v.look("11-preview")
	v.press("#left .modal", "Why?")
	v.until("the trace is open", `document.querySelector('#left .modal h2')?.textContent !== 'Confirm routing' && !document.querySelector('#left .modal').textContent.includes('Loading')`)
	v.look("11-why")
	v.press("#left .modal", "Back")
	v.until("the preview is on top again", `document.querySelector('#left .modal h2')?.textContent === 'Confirm routing'`)
	v.press("#left .modal-foot", "Back")
	v.until("the modal is gone", `!document.querySelector('#left .modal')`)
	v.press("#left", "Route now")
	v.reads("#right .card", "Expansion for you: Brightwater Labs")
	v.ticked(1)
	v.look("12-marcus-card")
	v.press("#right", "Full brief")
	v.reads("#right .modal", "Handoff brief")
	v.look("13-brief")
	v.press("#right .modal-foot", "Close")
	v.press("#right", "Acknowledge")
	v.reads("#right .card", "Acknowledged")
	v.reads("#left .card", "Acknowledged")
	v.look("14-acknowledged")

	// 2 Send Marcus away.
	v.say("#right", "/expansion ooo today cover @dana")
	v.reads("#right .msg", "Dana")
	v.ticked(2)
	v.look("20-away")
	v.move("1h")
	v.reads("#left .card", "Alder & Co")
	v.move("1h")
	v.become("#right", "Dana Ortiz")
	v.reads("#right .card", "Alder & Co")
	v.look("21-dana")

	// 3 Let 48 h pass.
	v.move("48h")
	v.ticked(3)
	v.look("30-48h")
	v.become("#right", "Lena Hoff")
	v.reads("#right .card", "No answer on Alder & Co for 48 h")
	v.look("31-lena")

	// 4 Break the CRM.
	v.press(".break", "CRM")
	v.until("the CRM is off", `document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'true'`)
	v.say("#left", "/expansion log Kestrel they asked for 20 more seats before the spring")
	v.reads("#left .modal", "Log expansion signal")
	v.look("40-log")
	v.choose("#left .modal", "Signal type", "Asked for it")
	v.press("#left .modal-foot", "Save and preview")
	v.reads("#left .modal", "Confirm routing")
	v.look("41-confirm")
	v.press("#left .modal-foot", "Route now")
	v.until("the modal is gone", `!document.querySelector('#left .modal')`)
	v.reads("#left .card", "Routed to")
	v.look("42-crm-down")
	v.press(".break", "CRM")
	v.until("the CRM is on", `document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'false'`)
	v.move("1h")
	v.ticked(4)

	v.press("#side .tabs", "CRM")
	v.reads("#side .rec", "Brightwater")
	v.look("50-crm")
}
