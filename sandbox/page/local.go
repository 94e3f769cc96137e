package page

import (
	"net"
	"net/http"
	"net/url"
)

// LocalHost reports whether a Host header names this computer: a loopback address or
// localhost, with any port. Other names could be a web site that points here.
func LocalHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if name == "localhost" {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// SameOrigin reports whether a request came from the sandbox's own page or from no
// page at all (a program sends no Origin).
func SameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host && LocalHost(u.Host)
}
