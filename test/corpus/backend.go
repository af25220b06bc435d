package corpus

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// account is a backend's account of a request.
type account struct {
	// Backend is the address that was asked.
	Backend string
	// Line is the request line without the protocol.
	Line    string
	Host    string
	Headers http.Header
	Body    string
	// Encryption is empty for plain text.
	Encryption string
	// HTTP2 says that it came by HTTP/2.
	HTTP2 bool
	// Told is what an authorization server was told besides.
	Told string `json:",omitempty"`
}

// accountHeader has the account, in the answers of backends.
const accountHeader = "X-Corpus-Account"

// serveBackends answers on all endpoints of the bundle, and returns a function
// that stops.
func serveBackends(d *dataplane.DataPlane, b bundle.Bundle, s snapshot.Snapshot, w *witness) (func(), error) {
	encrypted, err := encryptedBackends(s)
	if err != nil {
		return nil, fmt.Errorf("serve backends: %w", err)
	}
	server := &http.Server{ //nolint:gosec // only this test's nginx connects
		Protocols: new(http.Protocols),
		Handler:   orAuthorize(w.respond),
		// Handshakes fail where a case wants them to.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	open := map[uint16]bool{bundle.ClosedPort: true, bundle.InvalidBackendPort: true, bundle.NoEndpointsPort: true}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.Protocols.SetHTTP2(true)
	stop := func() { _ = server.Close() }
	for _, u := range slices.Concat(b.Upstreams, b.Hop.Upstreams) {
		for _, e := range u.Endpoints {
			if open[e.Port] {
				continue
			}
			open[e.Port] = true
			l, err := d.Listen("", e.Port)
			if err != nil {
				stop()
				return nil, fmt.Errorf("serve backends: %w", err)
			}
			go func() { _ = server.Serve(encrypting{l, encrypted}) }()
		}
	}
	return stop, nil
}

// respond gives an account of the request, with the status and headers that
// the request's own "Respond" headers ask for.
func (s *witness) respond(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Echo") != "" {
		echo(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	given := account{
		Backend: local.String(),
		Line:    r.Method + " " + r.RequestURI,
		Host:    r.Host,
		Headers: shortened(r.Header),
		Body:    shorten(string(body)),

		Encryption: encryption(r.TLS),
		HTTP2:      r.ProtoMajor == 2,
	}
	s.saw(r.Header, given)
	encoded, _ := json.Marshal(given)
	w.Header().Set(accountHeader, string(encoded))
	if pause, err := time.ParseDuration(r.Header.Get("Delay")); err == nil {
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
			return
		}
	}
	code := http.StatusOK
	for name, values := range r.Header {
		if name == "Respond" {
			code, _ = strconv.Atoi(values[0])
		}
		if asked, ok := strings.CutPrefix(name, "Respond-"); ok {
			w.Header()[asked] = values
		}
	}
	if r.Header.Get("Te") == "trailers" {
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}
	if r.Header.Get("Upgrade") != "" {
		upgrade(w, encoded)
		return
	}
	if failing, err := strconv.Atoi(r.Header.Get("Fail-First")); err == nil {
		attempt := s.attempt(r.RequestURI)
		w.Header().Set("Attempt", strconv.Itoa(attempt))
		if attempt > failing {
			code = http.StatusOK
		}
	}
	w.WriteHeader(code)
	if r.Header.Get("Te") == "trailers" {
		// nginx drops the trailers of an empty answer.
		_, _ = io.WriteString(w, "answer")
	}
}

// echo sends back what comes as it comes, and a trailer at the end.
func echo(w http.ResponseWriter, r *http.Request) {
	controller := http.NewResponseController(w)
	w.Header().Set("Trailer", "Grpc-Status")
	w.WriteHeader(http.StatusOK)
	piece := make([]byte, 1024)
	for err := controller.Flush(); err == nil; {
		var n int
		n, err = r.Body.Read(piece)
		_, _ = w.Write(piece[:n])
		_ = controller.Flush()
	}
	w.Header().Set("Grpc-Status", "0")
}

// upgrade switches protocols and echoes.
func upgrade(w http.ResponseWriter, account []byte) {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n%s: %s\r\n\r\n", accountHeader, account)
	_, _ = io.Copy(c, buffered)
}

// servicesByAddress names the Service that an endpoint address belongs to.
func servicesByAddress(s snapshot.Snapshot) map[string]string {
	names := map[string]string{}
	for _, slice := range s.EndpointSlices.All() {
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				names[address] = slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName]
			}
		}
	}
	return names
}
