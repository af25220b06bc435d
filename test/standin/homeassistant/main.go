// Command homeassistant stands in for a Home Assistant on a host of its own. It
// refuses proxies that it was not told to trust, as the real one does, echoes
// at /api/websocket, and answers every other request with what reached it.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/coder/websocket"

	"github.com/gatewright/gatewright/test/standin"
)

func main() {
	listen := flag.String("listen", ":8123", "address and port to listen at")
	trusted := flag.String("trusted-proxies", "", "addresses and networks of proxies, separated by commas")
	flag.Parse()
	if err := run(*listen, *trusted); err != nil {
		fmt.Fprintln(os.Stderr, "homeassistant:", err)
		os.Exit(1)
	}
}

func run(listen, trusted string) error {
	proxies, err := parseNetworks(trusted)
	if err != nil {
		return err
	}
	return standin.Serve(listen, handler(proxies))
}

func handler(proxies networks) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/websocket", echo)
	mux.HandleFunc("/", standin.Describe)
	return proxies.guard(mux)
}

// networks are those that a request from a proxy may come from.
type networks []netip.Prefix

func parseNetworks(list string) (networks, error) {
	var all networks
	for item := range strings.SplitSeq(list, ",") {
		if item == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			address, err := netip.ParseAddr(item)
			if err != nil {
				return nil, fmt.Errorf("trusted-proxies: %q is neither an address nor a network", item)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		all = append(all, prefix)
	}
	return all, nil
}

// guard answers 400 to a request with X-Forwarded-For from someone who is no
// trusted proxy (Home Assistant's http integration).
func (n networks) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" && !n.contain(r.RemoteAddr) {
			fmt.Fprintf(os.Stderr, "A request from a reverse proxy was received from %s, but it is not in trusted_proxies\n", r.RemoteAddr)
			http.Error(w, "400: Bad Request", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (n networks) contain(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, network := range n {
		if network.Contains(from.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// echo sends every message back.
func echo(w http.ResponseWriter, r *http.Request) {
	// Like Home Assistant, it asks for a token and not for an origin.
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer socket.CloseNow()
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil {
			return
		}
		if err := socket.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
