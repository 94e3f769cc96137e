// Package api serves the product's HTTP side: the five endpoints of the product
// requirements under /api/expansion, evidence pushed as NDJSON under /ingest, the shared
// log, the acknowledge page of the mails, health, readiness and metrics. The contract is
// openapi.yaml, served at /openapi.yaml; the tests hold every answer against it.
//
// A program authenticates with a bearer token. It acts for the person named by the
// header X-Expansion-Actor (an e-mail) or by the body's "by"; without either it reads,
// routes and records as the first admin, and a signal it posts counts as found
// automatically: the account's CSM gets the card, not the admin.
//
//	http.ListenAndServe(addr, api.New(api.Config{Engine: e, Clock: clock, Tokens: tokens}))
package api
