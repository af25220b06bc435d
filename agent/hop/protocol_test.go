package hop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// echo answers every message of a websocket.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"chat"}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

func (r *rig) websocket() *websocket.Conn {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://www.example.net/", &websocket.DialOptions{
		HTTPClient: r.client, HTTPHeader: http.Header{bundle.HopHeader: {"rule"}}, Subprotocols: []string{"chat"},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.CloseNow() })
	return c
}

func talk(t *testing.T, c *websocket.Conn, message string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != message {
		t.Fatalf("the websocket answered %q, %v; want %q", got, err, message)
	}
}

func TestWebsocketOutlivesTheTimeoutsAndUpdates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(func(rule *bundle.HopRule) { rule.RequestTimeoutMillis, rule.BackendTimeoutMillis = 300, 200 }, backend(t, echo))
	c := r.websocket()
	if c.Subprotocol() != "chat" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	talk(t, c, "one")
	time.Sleep(500 * time.Millisecond)
	talk(t, c, "two")
	r.use(bundle.Bundle{}) // not even its rule is left
	talk(t, c, strings.Repeat("three", 5000))
	if n := r.hop.Stats().Upgraded; n != 1 {
		t.Errorf("%d upgraded connections", n)
	}
}

func TestWebsocketEndsWithEitherSide(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gone := make(signal)
	r.serve(nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		_, message, err := c.Read(r.Context())
		if err == nil && string(message) == "bye" {
			_ = c.Close(websocket.StatusNormalClosure, "as asked")
			return
		}
		close(gone)
	}))
	first := r.websocket()
	_ = first.Write(t.Context(), websocket.MessageText, []byte("bye"))
	if _, _, err := first.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the websocket ended with %v", err)
	}
	r.websocket().CloseNow()
	gone.wait(t, "the end at the backend")
}

func TestUpgradeThatTheBackendDoesNotGrantIsAnOrdinaryResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, named(t, "no websocket"))
	request := r.request(http.MethodGet, "/", nil)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "websocket")
	if got := r.do(request).want(t, http.StatusOK); got.body != "no websocket" {
		t.Errorf("answered %q", got.body)
	}
}

func TestProtocolThatNobodyAskedForIsNotSwitchedTo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		_ = buffered.Flush()
		_, _ = io.Copy(io.Discard, c)
	}))
	r.get("/").want(t, http.StatusBadGateway)
}

// h2c serves HTTP/2 by prior knowledge only.
func h2c(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	return start(t, server)
}

func http2Backend(r *bundle.HopRule) { r.Backends[0].HTTP2 = true }

func TestBackendThatSpeaksHTTP2WithoutTLSIsSpokenToByPriorKnowledge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(http2Backend, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Host, r.URL, body)
	}))
	if got := r.post("/a%2Fb?c", "text").want(t, http.StatusOK); got.body != "HTTP/2.0 www.example.net /a%2Fb?c text" {
		t.Errorf("answered %q", got.body)
	}
}

func TestTrailersPass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		serve func(*testing.T, http.HandlerFunc) string
		rule  func(*bundle.HopRule)
	}{
		"from HTTP/1.1": {func(t *testing.T, h http.HandlerFunc) string { return backend(t, h) }, nil},
		"from HTTP/2":   {h2c, http2Backend},
	} {
		for announced, prefix := range map[string]string{"announced": "", "not announced": http.TrailerPrefix} {
			t.Run(name+" "+announced, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.serve(test.rule, test.serve(t, func(w http.ResponseWriter, r *http.Request) {
					if prefix == "" {
						w.Header().Set("Trailer", "Grpc-Status")
					}
					w.Header().Set("Te-Was", r.Header.Get("Te"))
					_, _ = io.WriteString(w, "message")
					_ = http.NewResponseController(w).Flush()
					w.Header().Set(prefix+"Grpc-Status", "7")
				}))
				request := r.request(http.MethodPost, "/", strings.NewReader("x"))
				request.Header.Set("Te", "trailers")
				response, err := r.client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				if err != nil || string(body) != "message" {
					t.Errorf("body %q, %v", body, err)
				}
				if got := response.Trailer.Get("Grpc-Status"); got != "7" {
					t.Errorf("trailer %q in %v", got, response.Trailer)
				}
				if got := response.Header.Get("Te-Was"); got != "trailers" {
					t.Errorf("the backend got TE %q", got)
				}
			})
		}
	}
}

// As grpc_pass and `proxy_http_version 2` speak to the hop.
func TestHopSpeaksHTTP2BothWaysAtOnce(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(*bundle.HopRule){"without retries": http2Backend, "with retries": func(rule *bundle.HopRule) {
		http2Backend(rule)
		retry(1, 503)(rule)
		requestTimeout(60_000)(rule)
	}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			converse(t, rule)
		})
	}
}

func converse(t *testing.T, rule func(*bundle.HopRule)) {
	r := newRig(t)
	r.serve(rule, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "%s!\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}))
	transport := &http.Transport{DialContext: r.dial, Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	reader, writer := io.Pipe()
	response, err := transport.RoundTrip(r.request(http.MethodPost, "/", reader))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answers := bufio.NewReader(response.Body)
	for _, word := range []string{"one", "two"} {
		_, _ = io.WriteString(writer, word+"\n")
		if got, err := answers.ReadString('\n'); got != word+"!\n" {
			t.Fatalf("answered %q, %v", got, err)
		}
	}
	writer.Close()
	if _, err := io.ReadAll(answers); err != nil || response.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("ended with %v and trailers %v", err, response.Trailer)
	}
}

func TestEventsPassAsTheyCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := make(chan struct{})
	r.serve(nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		for i := range 3 {
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
			fmt.Fprintf(w, "event %d\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	// The headers come although there is no event yet.
	response, err := r.client.Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		next <- struct{}{}
		if got, _ := lines.ReadString('\n'); got != fmt.Sprintf("event %d\n", i) {
			t.Fatalf("got %q", got)
		}
	}
}

func TestUploadPassesAsItComes(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(*bundle.HopRule){"without retries": nil, "with retries": retry(3, 500)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			got := make(chan string)
			r.serve(rule, backend(t, func(_ http.ResponseWriter, r *http.Request) {
				lines := bufio.NewScanner(r.Body)
				for lines.Scan() {
					got <- lines.Text()
				}
			}))
			reader, writer := io.Pipe()
			go func() {
				for i := range 3 {
					line := fmt.Sprint("line ", i)
					_, _ = io.WriteString(writer, line+"\n")
					if <-got != line {
						writer.CloseWithError(errors.New("another line came"))
					}
				}
				writer.Close()
			}()
			r.do(r.request(http.MethodPost, "/", reader)).want(t, http.StatusOK)
		})
	}
}

func TestClientThatGoesAwayEndsTheBackendsRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	arrived, gone := make(signal), make(signal)
	r.serve(retry(3, 500), backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		arrived.wait(t, "the backend's request")
		cancel()
	}()
	if response, err := r.client.Do(r.request(http.MethodGet, "/", nil).WithContext(ctx)); err == nil {
		response.Body.Close()
		t.Errorf("answered %d", response.StatusCode)
	}
	gone.wait(t, "the end of the backend's request")
}

func TestBodyIsAskedForOnlyWhenTheBackendWantsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	expecting := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\nGatewright-Hop: rule\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
	}
	if got := r.raw(expecting("/no")); !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("answered %q, want 413 without 100", got)
	}
	if got := r.raw(expecting("/yes") + "text"); !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ") || !strings.Contains(got, "text") {
		t.Errorf("answered %q, want 100 and then 200", got)
	}
}

func TestWhatNginxSentIsWhatTheBackendGets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := make(chan *http.Request, 1)
	r.serve(nil, backend(t, func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	// Neither User-Agent nor Accept-Encoding, so none may be made up.
	answer := r.raw("GET /a//b%2Fc/../d%20e^|?q=%20;x&& HTTP/1.1\r\nHost: www.example.net:8443\r\nX-Forwarded-For: 192.0.2.1\r\n" +
		"X-Forwarded-Proto: https\r\nX-Many: 1\r\nX-Many: 2\r\nCookie: a=b; c=d\r\n" +
		"Keep-Alive: 5\r\nX-Own: x\r\nConnection: close, x-own\r\nGatewright-Hop: rule\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Fatalf("answered %q", answer)
	}
	request := <-got
	if request.RequestURI != "/a//b%2Fc/../d%20e^|?q=%20;x&&" || request.Host != "www.example.net:8443" {
		t.Errorf("the backend got %q for %q", request.RequestURI, request.Host)
	}
	if diff := cmp.Diff(http.Header{
		"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"https"}, "X-Many": {"1", "2"}, "Cookie": {"a=b; c=d"},
	}, request.Header); diff != "" {
		t.Errorf("headers at the backend (-want +got):\n%s", diff)
	}
}

func TestPathsPassAsTheyAre(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) }))
	for _, path := range []string{"/", "/?", "/?a?b", "//host/a", "/a;b=c/d", "/%41%2f%C3%A9", "/{x}|^`\"<>", "/a/./../b", "/\xc3\xa9", "/*", "/a:b@c"} {
		got := r.raw("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nGatewright-Hop: rule\r\n\r\n")
		if !strings.HasSuffix(got, "\r\n\r\n"+path) {
			t.Errorf("%q reached the backend as %q", path, got)
		}
	}
}

func TestNothingIsAddedToAResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = buffered.WriteString("HTTP/1.1 203 Whatever\r\nX-Own: a\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nKeep-Alive: 5\r\nContent-Length: 4\r\nConnection: x-drop\r\nX-Drop: 1\r\n\r\n<p>a")
		_ = buffered.Flush()
	}))
	got := r.get("/").want(t, http.StatusNonAuthoritativeInfo)
	if diff := cmp.Diff(http.Header{"X-Own": {"a"}, "Set-Cookie": {"a", "b"}, "Content-Length": {"4"}}, got.header); diff != "" {
		t.Errorf("headers of the response (-want +got):\n%s", diff)
	}
}

func TestHeadersAsLargeAsNginxTakesPass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		serve func(*testing.T, http.HandlerFunc) string
		rule  func(*bundle.HopRule)
	}{
		"over HTTP/1.1": {func(t *testing.T, h http.HandlerFunc) string { return backend(t, h) }, nil},
		"over HTTP/2":   {h2c, http2Backend},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.serve(test.rule, test.serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Back", r.Header.Get("X-Large-3"))
				fmt.Fprint(w, len(r.Header.Get("X-Large-0")))
			}))
			request := r.request(http.MethodGet, "/", nil)
			for i := range 4 {
				request.Header.Set(fmt.Sprint("X-Large-", i), strings.Repeat("x", 16<<10+200))
			}
			got := r.do(request).want(t, http.StatusOK)
			if got.body != "16584" || len(got.header.Get("X-Back")) != 16<<10+200 {
				t.Errorf("%s bytes arrived, %d came back", got.body, len(got.header.Get("X-Back")))
			}
		})
	}
}

func TestResponseWithoutBodyKeepsItsLength(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1234")
		if r.URL.Path == "/304" {
			w.Header().Del("Content-Length")
			w.Header().Set("Etag", `"a"`)
			w.WriteHeader(http.StatusNotModified)
		}
	}))
	if got := r.do(r.request(http.MethodHead, "/", nil)).want(t, http.StatusOK); got.header.Get("Content-Length") != "1234" {
		t.Errorf("HEAD has %v", got.header)
	}
	if got := r.get("/304").want(t, http.StatusNotModified); got.header.Get("Etag") != `"a"` {
		t.Errorf("304 has %v", got.header)
	}
}
