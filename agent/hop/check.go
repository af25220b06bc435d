package hop

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
)

var (
	label     = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	fieldName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")
	fieldText = regexp.MustCompile(`^[\t\x20-\x7e\x80-\xff]*$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?(:[0-9]{1,5})?$`)
	pathText  = regexp.MustCompile(`^/[\x21\x22\x24-\x3e\x40-\x7e]*$`) // neither ? nor #
)

// framing headers decide where a message ends, where it goes and what becomes
// of its connection.
var framing = []string{
	"connection", "content-length", "host", "http2-settings", "keep-alive",
	"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", strings.ToLower(bundle.HopHeader),
}

const (
	maxWeight   = 1_000_000
	maxAttempts = 1000
)

func checkEndpoints(u bundle.Upstream) error {
	if !label.MatchString(u.ID) {
		return fmt.Errorf("upstream ID %q of the hop is not a lower-case DNS label", u.ID)
	}
	for _, e := range u.Endpoints {
		if a, err := netip.ParseAddr(e.Address); err != nil || a.Zone() != "" {
			return fmt.Errorf("upstream %q of the hop: %q is not an IP address", u.ID, e.Address)
		}
		if e.Port == 0 {
			return fmt.Errorf("upstream %q of the hop: endpoint %s has no port", u.ID, e.Address)
		}
	}
	return nil
}

func checkRule(r *bundle.HopRule) error {
	if !label.MatchString(r.ID) {
		return errors.New("its ID is not a lower-case DNS label")
	}
	if r.RequestTimeoutMillis < 0 || r.BackendTimeoutMillis < 0 {
		return errors.New("a timeout is negative")
	}
	if retry := r.Retry; retry != nil {
		if retry.Attempts < 0 || retry.Attempts > maxAttempts || retry.BackoffMillis < 0 {
			return fmt.Errorf("%d attempts with a backoff of %d ms are none", retry.Attempts, retry.BackoffMillis)
		}
		if slices.ContainsFunc(retry.Codes, func(code int) bool { return code < 400 || code > 599 }) {
			return fmt.Errorf("codes %v to retry are not all within 400 to 599", retry.Codes)
		}
	}
	return nil
}

func checkBackend(b *bundle.HopBackend) error {
	if b.Weight < 1 || b.Weight > maxWeight {
		return fmt.Errorf("weight %d is not within 1 to %d", b.Weight, maxWeight)
	}
	if b.TLS != nil && !hostName.MatchString(b.TLS.Hostname) {
		return fmt.Errorf("TLS hostname %q is none", b.TLS.Hostname)
	}
	for _, c := range slices.Concat(b.RequestHeaders, b.ResponseHeaders) {
		if err := checkHeader(c); err != nil {
			return err
		}
	}
	if r := b.Rewrite; r != nil {
		if r.Hostname != "" && !hostName.MatchString(r.Hostname) {
			return fmt.Errorf("hostname %q is none", r.Hostname)
		}
		if r.Path != nil && !pathText.MatchString(r.Path.Value) {
			return fmt.Errorf("path %q is not an encoded absolute path", r.Path.Value)
		}
	}
	return nil
}

func checkHeader(c bundle.HopHeaderChange) error {
	switch c.Action {
	case bundle.HopHeaderSet, bundle.HopHeaderAdd, bundle.HopHeaderRemove:
	default:
		return fmt.Errorf("%q is no action on a header", c.Action)
	}
	if !fieldName.MatchString(c.Name) || slices.Contains(framing, strings.ToLower(c.Name)) {
		return fmt.Errorf("header %q cannot be changed", c.Name)
	}
	if !fieldText.MatchString(c.Value) {
		return fmt.Errorf("the value %q of header %s is none", c.Value, c.Name)
	}
	return nil
}
