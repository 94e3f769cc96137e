// Package crmtest owns the behaviour of the CRM seam: [Exercise] is the one suite
// every crm.Client passes, over a working server that the test can look into and
// break through [World].
//
//	func TestClient(t *testing.T) {
//		crmtest.Exercise(t, func(t *testing.T) (crm.Client, crmtest.World) {
//			server := startFake(t)
//			return newClient(t, server.URL), world{server}
//		})
//	}
package crmtest
