// Command whoami stands in for traefik/whoami where images cannot be pulled: it
// answers each request with what reached it.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/gatewright/gatewright/test/standin"
)

func main() {
	port := flag.Int("port", 80, "port to listen at")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", standin.Describe)
	if err := standin.Serve(fmt.Sprintf(":%d", *port), mux); err != nil {
		fmt.Fprintln(os.Stderr, "whoami:", err)
		os.Exit(1)
	}
}
