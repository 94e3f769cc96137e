// Package crm is the sandbox's CRM: a small working server that speaks HubSpot's
// dialect on loopback and keeps deals, companies, contacts, notes, tasks, owners and
// one sales pipeline in memory.
//
// It answers the v3 and v4 paths and the date-based ones (2026-03, 2026-09) with
// HubSpot's shapes, and refuses what HubSpot refuses: values that are not strings,
// unknown properties, stages outside the pipeline, owners that left, dates off
// midnight, a second record with the same unique value, batches over their limit.
// HubSpot's own JavaScript client is run against it by the tests.
//
//	s := crm.New(crm.Config{Token: "pat-sandbox", Clock: clock})
//	s.PutOwner(crm.Owner{ID: "71", Email: "marcus@expansion.example", First: "Marcus"})
//	s.PutCompany(crm.Company{ID: "501", Name: "Brightwater Labs", Domain: "brightwater.example"})
//	http.Handle("/hubspot/", http.StripPrefix("/hubspot", s.Handler()))
//
// Faults are asked for by name ([Server.FailNext], [Server.SetDown], [Server.SetReadLag]),
// and [Server.CreatesByKey] proves afterwards that nothing was created twice.
package crm
