// Package hubspot is the CRM seam over HubSpot, where an opportunity is a deal and an
// account a company.
//
// The transport is belong-inc/go-hubspot; paths, bodies and errors are ours, because
// its typed deal calls search under a wrong path, send dates as {} and drop the
// headers of a refusal. Every path goes through one function by API version, so the
// date-based versions are a setting.
//
//	c, err := hubspot.New(hubspot.Config{Token: token})
//	for _, f := range c.Check(ctx) {
//		fmt.Println(f.Level, f.What, f.Fix)
//	}
//	err = c.Prepare(ctx)
//
// Deals have no unique property of their own; Prepare makes expansion_opportunity_id,
// by which every create is an upsert. Two further text properties are written only if
// an admin made them: expansion_type and expansion_signal_type.
package hubspot
