package webhooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestIntakeRefusesBodiesThatNoObjectCanHave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		code int
	}{
		"as large as it may be":    {strings.Repeat("x", maxBody), http.StatusOK},
		"a byte larger":            {strings.Repeat("x", maxBody+1), http.StatusRequestEntityTooLarge},
		"small":                    {`{"a": [1, 2]}`, http.StatusOK},
		"as many elements as fit":  {"[" + strings.Repeat("{},", maxElements) + "{}]", http.StatusOK},
		"an element more":          {"[" + strings.Repeat("{},", maxElements+1) + "{}]", http.StatusRequestEntityTooLarge},
		"elements of many lists":   {"[" + strings.Repeat("[1,2],", maxElements/2+1) + "1]", http.StatusRequestEntityTooLarge},
		"too many members":         {"{" + strings.Repeat(`"a":1,`, maxMembers+1) + `"a":1}`, http.StatusRequestEntityTooLarge},
		"commas in strings":        {`["` + strings.Repeat(`,\",`, maxMembers) + `"]`, http.StatusOK},
		"as deep as it may be":     {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), http.StatusOK},
		"a level deeper":           {strings.Repeat("[", maxDepth+1), http.StatusRequestEntityTooLarge},
		"closed more than opened":  {strings.Repeat("]", 10) + strings.Repeat("[", maxDepth), http.StatusOK},
		"a string without end":     {`["a\`, http.StatusOK},
		"a string that ends early": {`["` + strings.Repeat(`\\",1,"`, maxElements) + `"]`, http.StatusRequestEntityTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []byte
			handler := bounded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }), newIntake())
			for _, announced := range []bool{true, false} {
				got = nil
				request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
				if !announced {
					request.ContentLength = -1
				}
				recorder := httptest.NewRecorder()
				handler.ServeHTTP(recorder, request)
				if recorder.Code != test.code {
					t.Errorf("length announced: %v: HTTP %d %s, want %d", announced, recorder.Code, recorder.Body, test.code)
				}
				if passed := string(got) == test.body; passed != (test.code == http.StatusOK) {
					t.Errorf("length announced: %v: the body is passed on: %v", announced, passed)
				}
			}
		})
	}
}

func TestIntakeFailsWhatFindsNoSlot(t *testing.T) {
	t.Parallel()
	full := func() chan struct{} {
		c := make(chan struct{}, 1)
		c <- struct{}{}
		return c
	}
	for name, occupy := range map[string]func(*intake){
		"to be read":             func(in *intake) { in.reading = full() },
		"to be read to its end":  func(in *intake) { in.large = full() },
		"to be worked on, later": func(in *intake) { in.working = full() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake()
			occupy(&in)
			// The API server has given up already.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			recorder := httptest.NewRecorder()
			body := strings.NewReader(strings.Repeat(" ", smallBody+1))
			// A canceled wait may still find a free slot: only the full one decides.
			bounded(http.NotFoundHandler(), in).ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", body))
			if recorder.Code != http.StatusServiceUnavailable {
				t.Errorf("code = %d, want 503: a failed call, which failurePolicy judges", recorder.Code)
			}
		})
	}
}

func TestIntakeFreesItsSlots(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body io.Reader
		next http.HandlerFunc
	}{
		"after an answer": {strings.NewReader(strings.Repeat(" ", smallBody+1)), func(http.ResponseWriter, *http.Request) {}},
		"after a panic":   {strings.NewReader(strings.Repeat(" ", smallBody+1)), func(http.ResponseWriter, *http.Request) { panic("!") }},
		"after a body that breaks off": {
			io.MultiReader(strings.NewReader(strings.Repeat(" ", smallBody+1)), breakingOff{}), func(http.ResponseWriter, *http.Request) {},
		},
		"after a body of bad shape": {strings.NewReader(strings.Repeat("[", smallBody+1)), func(http.ResponseWriter, *http.Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake()
			func() {
				defer func() { _ = recover() }()
				bounded(test.next, in).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", test.body))
			}()
			if len(in.reading)+len(in.large)+len(in.working) != 0 {
				t.Errorf("still taken: %d, %d, %d", len(in.reading), len(in.large), len(in.working))
			}
		})
	}
}

type breakingOff struct{}

func (breakingOff) Read([]byte) (int, error) { return 0, errors.New("reset by peer") }

// TestSlowSendersKeepNobodyFromAnAnswer has more connections than reviews are
// worked on, none of which sends what it announces.
func TestSlowSendersKeepNobodyFromAnAnswer(t *testing.T) {
	t.Parallel()
	s := cluster(t, theCluster, route(goodRule))
	all := Handlers(testScheme, func(context.Context) (snapshot.Snapshot, error) { return s, nil })
	server := httptest.NewServer(all[httpRouteValidatePath])
	t.Cleanup(server.Close)
	for _, sent := range []int{10, 2 * smallBody} {
		for range 4 * maxConcurrent {
			slow, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = slow.Close() })
			_, err = fmt.Fprintf(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				maxBody, strings.Repeat(" ", sent))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(envelope(badRoute)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(answer), "is no valid regular expression") {
		t.Errorf("HTTP %d %s (%v)", response.StatusCode, answer, err)
	}
}
