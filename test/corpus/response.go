package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// usualResponse are the headers that every response may have.
var usualResponse = []string{
	accountHeader, "Connection", "Content-Length", "Content-Type", "Date", "Server", "Transfer-Encoding", "Upgrade",
}

// describe sends the request as often as it asks for, and words what happened.
func (r request) describe(d *dataplane.DataPlane, w *witness, services map[string]string) (string, error) {
	counts := map[string]int{}
	for range r.times {
		text, err := r.once(d, w, services)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.line, err)
		}
		counts[text]++
	}
	var b strings.Builder
	b.WriteString(r.line + "\n")
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
	}
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		b.WriteString("    ")
		if r.times > 1 {
			fmt.Fprintf(&b, "%d times ", counts[text])
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (r request) once(d *dataplane.DataPlane, w *witness, services map[string]string) (string, error) {
	if r.udp {
		return r.datagram(d, services)
	}
	number := ""
	if r.copied != nil {
		r, number = w.number(r)
	}
	a, err := r.send(d)
	if errors.Is(err, errHandshake) {
		return "TLS handshake refused\n", nil
	}
	if errors.Is(err, errClosed) {
		return "connection closed\n", nil
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var own *account
	fmt.Fprintf(&b, "%d", a.response.StatusCode)
	if given := a.response.Header.Get(accountHeader); given == "" {
		b.WriteString(" from nginx")
	} else {
		var seen account
		if err := json.Unmarshal([]byte(given), &seen); err != nil {
			return "", fmt.Errorf("read the backend's account: %w", err)
		}
		own = &seen
		fmt.Fprintf(&b, " from %s: %s", backendName(seen.Backend, services), seen.Line)
		b.WriteString(r.differences(seen))
	}
	for _, name := range slices.Sorted(maps.Keys(a.response.Header)) {
		if slices.Contains(usualResponse, name) {
			continue
		}
		for _, value := range a.response.Header[name] {
			fmt.Fprintf(&b, "\n    < %s: %s", name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.response.Trailer)) {
		fmt.Fprintf(&b, "\n    << %s: %s", name, a.response.Trailer.Get(name))
	}
	if a.certificate != nil && a.certificate.VerifyHostname(r.serverName) != nil {
		fmt.Fprintf(&b, "\n    certificate of %s", a.certificate.Subject.CommonName)
	}
	if r.copied != nil {
		copies, err := r.copies(w, number, own, services)
		if err != nil {
			return "", err
		}
		b.WriteString(copies)
	}
	return b.String() + "\n", nil
}

func backendName(address string, services map[string]string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return services[host] + " (" + address + ")"
}

// differences tells what the backend saw that neither the client said nor every
// backend sees, and what it missed.
func (r request) differences(seen account) string {
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	want := http.Header{
		"X-Forwarded-For":   {"127.0.0.1"},
		"X-Forwarded-Host":  {r.authority},
		"X-Forwarded-Port":  {strconv.Itoa(r.port)},
		"X-Forwarded-Proto": {scheme},
		"X-Real-Ip":         {"127.0.0.1"},
	}
	for _, h := range r.headers {
		if name := http.CanonicalHeaderKey(h[0]); name != "Connection" && want[name] == nil {
			want[name] = []string{r.header(name)}
		}
	}
	switch {
	case r.chunked():
		delete(want, "Transfer-Encoding")
	case r.body != "":
		want["Content-Length"] = []string{strconv.Itoa(len(expand(r.body)))}
	}
	var b strings.Builder
	if seen.HTTP2 {
		b.WriteString("\n    by HTTP/2")
	}
	if seen.Encryption != "" {
		fmt.Fprintf(&b, "\n    %s", seen.Encryption)
	}
	if seen.passedOn() {
		b.WriteString(", as it was sent")
		for name := range want {
			if strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
				delete(want, name)
			}
		}
	}
	if seen.Host != r.authority {
		fmt.Fprintf(&b, "\n    + Host: %s", seen.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(seen.Headers)) {
		if got := strings.Join(seen.Headers[name], ", "); got != strings.Join(want[name], ", ") {
			fmt.Fprintf(&b, "\n    + %s: %s", name, got)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if seen.Headers[name] == nil {
			fmt.Fprintf(&b, "\n    - %s", name)
		}
	}
	if seen.Body != r.body {
		fmt.Fprintf(&b, "\n    body %q", seen.Body)
	}
	return b.String()
}
