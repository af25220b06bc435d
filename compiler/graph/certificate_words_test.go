package graph

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOthersWordsAreTheSameAtEachAttempt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ words, want string }{
		"what is stable stays":           {"no such zone", "no such zone"},
		"the time of a limit":            {"rateLimited: retry after 2026-11-24 10:00:01 UTC: see docs", "rateLimited: retry after …: see docs"},
		"a time as Go prints it":         {"since 2026-11-24T10:00:01.123456789Z", "since …"},
		"a time as a mail has it":        {"Certificate expired on Mon, 23 Nov 2026 10:00:00 UTC", "Certificate expired on …"},
		"the port of a connection":       {"read udp 10.42.0.7:51632->10.43.0.10:53: i/o timeout", "read udp 10.43.0.10:53: i/o timeout"},
		"the port of an IPv6 connection": {"read tcp [2001:db8::1]:51632->[2001:db8::2]:80: refused", "read tcp [2001:db8::2]:80: refused"},
		"the identifier of a request":    {"AccessDenied, RequestID: 5f3a2b1c-aaaa-bbbb", "AccessDenied, RequestID …"},
		"the token of a challenge":       {`GET "http://a/.well-known/acme-challenge/Kx0ZkAkxIe3r0UPkzjGhQk2-SZ"`, `GET "http://a/.well-known/acme-challenge/…"`},
		"lines become one":               {"first\n\tsecond  third", "first second third"},
	}
	for name, test := range tests {
		if got := stable(test.words); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if long := stable(strings.Repeat("ö", 1000)); len(long) > maxWords+len("…") || !utf8.ValidString(long) {
		t.Errorf("%d bytes of long words, valid: %v", len(long), utf8.ValidString(long))
	}
}
