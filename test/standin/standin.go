package standin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// drainTimeout bounds how long requests in flight may take at the end.
const drainTimeout = 10 * time.Second

// Describe answers with the request as it arrived, one header on each line, in
// the way of traefik/whoami.
func Describe(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	hostname, _ := os.Hostname()
	fmt.Fprintf(w, "Hostname: %s\nRemoteAddr: %s\n%s %s %s\nHost: %s\n",
		hostname, r.RemoteAddr, r.Method, r.RequestURI, r.Proto, r.Host)
	var lines []string
	for name, values := range r.Header {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// Serve serves at address until SIGTERM or SIGINT, then answers the requests
// that it has and returns.
func Serve(address string, handler http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", address, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve at %s: %w", address, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("end at %s: %w", address, err)
	}
	return nil
}
