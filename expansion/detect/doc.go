// Package detect turns evidence into findings: a signal to be, how sure we are and
// why in words. It is pure: the time and what is known come in as values, so live
// scans, replay and evaluation give the same answer.
//
// The smallest useful program:
//
//	v := detect.OverLicence(detect.OverLicenceConfig{}, detect.Usage{Account: a, Points: points, Now: now, State: state})
//	if v.Finding == nil {
//		fmt.Println(v.Silent) // 125 of 120 seats on 1 of the last 7 observed days; 5 are needed
//	}
//
// A detector says why it stayed silent as well as why it spoke. Keep v.State per
// account and metric between scans: it is what stops a signal from repeating.
package detect
