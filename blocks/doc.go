// Package blocks turns the product's values into Slack Block Kit: cards, modals,
// command answers and App Home, and reads submitted modals back. It is pure: values
// in, blocks out, no clock, no network. Copy, labels and ids are the storyboard's;
// everything it makes keeps Slack's limits, which Check verifies.
//
// The smallest useful program:
//
//	m, err := blocks.Render(expansion.Message{Kind: expansion.CardHandoff, Case: &c})
//	if err != nil { … }
//	client.PostMessage(channel, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...))
package blocks
