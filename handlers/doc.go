// Package handlers turns what people do in Slack into engine verbs and shows what came
// of it. It has one table (table.go): a command word, action id, callback id or event
// leads to a row that says how it is answered. A row parses, calls one verb, renders
// through blocks; rules are the engine's.
//
// Three doors, in the order an interaction passes them: Look says how the call wants to
// be acked and asks nobody; Open shows a view at once and changes nothing; Work is called
// by the inbox job, again and again until it returns nil, and may change things.
//
// The smallest useful program:
//
//	h := handlers.New(eng, client, log)
//	err := h.Work(ctx, envelope)
package handlers
