package graph

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Origin is a web site as browsers name it in the header Origin (RFC 6454,
// section 6.2).
type Origin struct {
	// Scheme is http or https.
	Scheme string
	// Host in lower case, with "*." before it for all its subdomains; an IPv6
	// address has brackets.
	Host string
	// Port is 0 for the scheme's own, which browsers leave out.
	Port uint16
}

// String returns the origin as browsers write it.
func (o Origin) String() string {
	s := o.Scheme + "://" + o.Host
	if o.Port != 0 {
		s += ":" + strconv.Itoa(int(o.Port))
	}
	return s
}

// readOrigins returns the policy's origins, sorted, and what is wrong with
// those that are none.
func readOrigins(p *v1alpha1.WebSocketPolicy) (origins []Origin, faults []diagnostic.Diagnostic) {
	if p.Spec.AllowedOrigins != nil && len(p.Spec.AllowedOrigins) == 0 {
		faults = append(faults, diagnostic.InvalidOrigin.At("spec.allowedOrigins", "an empty list allows no web site",
			"name one, or leave the field out to allow all"))
	}
	for i, written := range p.Spec.AllowedOrigins {
		o, fault := parseOrigin(string(written))
		if fault != "" {
			faults = append(faults, diagnostic.InvalidOrigin.At(fmt.Sprintf("spec.allowedOrigins[%d]", i),
				fmt.Sprintf("%q is no origin: %s", written, fault), ""))
			continue
		}
		origins = append(origins, o)
	}
	slices.SortFunc(origins, func(a, b Origin) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(origins), faults
}

// parseOrigin reads an origin; the fault is empty where it is one.
func parseOrigin(written string) (o Origin, fault string) {
	scheme, authority, ok := strings.Cut(written, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return Origin{}, "it does not begin with http:// or https://"
	}
	if strings.ContainsAny(authority, "/?#@") {
		return Origin{}, "it has more than scheme, host and port"
	}
	host, port := splitPort(authority)
	o = Origin{Scheme: scheme}
	if o.Host, ok = originHost(host); !ok {
		return Origin{}, fmt.Sprintf("%q is no host", host)
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Origin{}, fmt.Sprintf("%q is no port", port)
		}
		o.Port = uint16(n)
	}
	if own := map[string]uint16{"http": 80, "https": 443}; o.Port == own[scheme] {
		o.Port = 0
	}
	return o, ""
}

// splitPort cuts the port off. A colon without one stays with the host, which
// is then none.
func splitPort(authority string) (host, port string) {
	u := url.URL{Host: authority}
	if port = u.Port(); port == "" {
		return authority, ""
	}
	return strings.TrimSuffix(authority, ":"+port), port
}

// originHost returns a host name or IP address as browsers write it.
func originHost(host string) (string, bool) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return "[" + ip.String() + "]", err == nil && strings.HasSuffix(inner, "]") && ip.Is6() && !ip.Is4In6() && ip.Zone() == ""
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String(), ip.Is4()
	}
	return lowerHostname(host)
}
