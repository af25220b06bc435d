package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// serve starts a Home Assistant that trusts the proxies in the list.
func serve(t *testing.T, trusted string) string {
	t.Helper()
	proxies, err := parseNetworks(trusted)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(proxies))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAProxyIsRefusedUnlessItIsTrusted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, trusted string
		proxy         bool
		code          int
	}{
		{"a proxy that is not trusted", "192.168.77.1", true, http.StatusBadRequest},
		{"a proxy with a trusted address", "192.168.77.1,127.0.0.1", true, http.StatusOK},
		{"a proxy of a trusted network", "127.0.0.0/8", true, http.StatusOK},
		{"nobody is trusted, and no proxy asks", "", false, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serve(t, c.trusted), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if c.proxy {
				request.Header.Set("X-Forwarded-For", "192.168.77.10")
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != c.code {
				t.Errorf("the answer is %s instead of %d", response.Status, c.code)
			}
		})
	}
}

func TestATrustedProxyMustBeAnAddressOrNetwork(t *testing.T) {
	t.Parallel()
	if _, err := parseNetworks("127.0.0.1,proxy.example.net"); err == nil {
		t.Error("a name was taken")
	}
}

func TestMessagesAreEchoed(t *testing.T) {
	t.Parallel()
	url := strings.Replace(serve(t, ""), "http", "ws", 1) + "/api/websocket"
	socket, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	_, echo, err := socket.Read(t.Context())
	if err != nil || string(echo) != "hello" {
		t.Errorf("the echo is %q, %v", echo, err)
	}
}
