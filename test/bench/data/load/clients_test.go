package load_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatewright/gatewright/test/bench/data/backend"
	"github.com/gatewright/gatewright/test/bench/data/load"
)

func TestTheToolsOfThisProgramAndItsBackendUnderstandEachOther(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(backend.Echo)
	t.Cleanup(s.Close)
	for _, tool := range []load.Tool{load.Sockets, load.Uploads} {
		r := drive(t, load.Plan{
			Tool: tool, Host: "echo.example.net", Port: s.Listener.Addr().(*net.TCPAddr).Port, Path: "/",
			Connections: 2, Body: 1 << 20, Duration: 50 * time.Millisecond,
		})
		if r.Count == 0 || r.Failed > 0 {
			t.Errorf("%s: %d answers, %d failed", tool, r.Count, r.Failed)
		}
	}
}

func TestHandshakesCountWhatIsNotResumedAsFailed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ tickets, resume, fails bool }{
		"full handshakes":                  {tickets: true},
		"resumed":                          {tickets: true, resume: true},
		"resumption that the server lacks": {resume: true, fails: true},
	} {
		s := httptest.NewUnstartedServer(backend.Echo)
		s.TLS = &tls.Config{SessionTicketsDisabled: !tc.tickets}
		s.StartTLS()
		r := drive(t, load.Plan{
			Tool: load.Handshakes, Host: "echo.example.net", Port: s.Listener.Addr().(*net.TCPAddr).Port, Path: "/",
			Connections: 1, Resume: tc.resume, Duration: 50 * time.Millisecond,
		})
		s.Close()
		if r.Count == 0 || (r.Failed > 0) != tc.fails {
			t.Errorf("%s: %d answers, %d failed", name, r.Count, r.Failed)
		}
	}
}

// drive runs the program that the bench would start.
func drive(t *testing.T, p load.Plan) load.Result {
	t.Helper()
	argument, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := load.Main(t.Context(), string(argument), &out); err != nil {
		t.Fatal(err)
	}
	var r load.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %q", err, out.Bytes())
	}
	return r
}
