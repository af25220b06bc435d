package graph

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// lowerHostname returns a hostname as it is compared, and whether it is one: a
// DNS name, perhaps with a leading wildcard label, and no IP address (the
// pattern of the API's Hostname).
func lowerHostname(written string) (string, bool) {
	h := strings.ToLower(written)
	rest := strings.TrimPrefix(h, "*.")
	if rest == "" || len(h) > 253 {
		return h, false
	}
	if _, err := netip.ParseAddr(rest); err == nil {
		return h, false
	}
	for label := range strings.SplitSeq(rest, ".") {
		if !isLabel(label) {
			return h, false
		}
	}
	return h, true
}

func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && strings.Trim(s, "-") == s &&
		strings.IndexFunc(s, func(r rune) bool { return r != '-' && labelByte(r) == '-' }) < 0
}

// narrower returns the narrower of two hostnames, and whether any host has
// both. Empty stands for any host; a wildcard for one or more labels (Gateway
// API, Listener.hostname).
func narrower(a, b string) (string, bool) {
	switch {
	case covers(a, b):
		return b, true
	case covers(b, a):
		return a, true
	}
	return "", false
}

// covers says whether all hosts of the second hostname are hosts of the first.
func covers(hostname, other string) bool {
	if hostname == "" || hostname == other {
		return true
	}
	suffix, wildcard := strings.CutPrefix(hostname, "*")
	return wildcard && other != "" && strings.HasSuffix(strings.TrimPrefix(other, "*"), suffix) &&
		len(other) > len(suffix)
}

// commonHostnames returns the hostnames that a route with these has at a
// listener with that one; none where they share no host.
func commonHostnames(listener string, written []gatewayv1.Hostname) []Hostname {
	if len(written) == 0 {
		return []Hostname{{Effective: listener}}
	}
	var common []Hostname
	for _, w := range written {
		h, ok := lowerHostname(string(w))
		if !ok {
			continue
		}
		if effective, ok := narrower(listener, h); ok {
			common = append(common, Hostname{Effective: effective, Written: h})
		}
	}
	slices.SortFunc(common, func(a, b Hostname) int {
		return cmp.Or(strings.Compare(a.Effective, b.Effective), strings.Compare(a.Written, b.Written))
	})
	return slices.Compact(common)
}
