package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pollInterval  = 5 * time.Millisecond
	statusTimeout = time.Second
	maxStatusBody = 4 << 10
)

// statusServer is nginx's status server.
type statusServer struct {
	address string
	client  *http.Client
}

func newStatusServer(address string) *statusServer {
	return &statusServer{address, &http.Client{
		Timeout: statusTimeout,
		// A kept connection would keep talking to a worker of old.
		Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

func (s *statusServer) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return "", fmt.Errorf("ask nginx's status server: %w", err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask nginx's status server: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxStatusBody))
	if err != nil {
		return "", fmt.Errorf("read the answer of nginx's status server: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("nginx's status server answered %s with %s", path, response.Status)
	}
	return string(body), nil
}

// generation is the hash of the configuration that the answering worker has.
func (s *statusServer) generation(ctx context.Context) (string, error) {
	hash, err := s.get(ctx, "/generation")
	return strings.TrimSpace(hash), err
}

// awaitGeneration waits until nginx serves the generation and none of the
// workers of old takes new connections any more. It fails with a refusal when
// nginx says why it will not, or when the time is up.
func (n *nginx) awaitGeneration(ctx context.Context, hash string, old []worker) error {
	ctx, cancel := context.WithTimeout(ctx, n.options.ApplyTimeout)
	defer cancel()
	_, exited := n.master()
	for {
		if served, err := n.status.generation(ctx); err == nil && served == hash && n.retired(old) {
			return nil
		}
		if text, final := n.complaints.heard(); final {
			return refuse("%s", words(text, n.options.confLink()+"/", n.options.RunDir+"/"))
		}
		select {
		case <-exited:
			return fmt.Errorf("nginx exited while loading a configuration: %w", errNotRunning)
		case <-ctx.Done():
			return refuse("nginx did not serve the new configuration within %s", n.options.ApplyTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// retired tells whether all these workers are draining or gone.
func (n *nginx) retired(old []worker) bool {
	return !slices.ContainsFunc(n.observe(), func(w worker) bool {
		return !w.draining && slices.ContainsFunc(old, func(o worker) bool { return o.pid == w.pid })
	})
}

// observe lists the workers, those of dead masters first, and takes note of new
// ones.
func (n *nginx) observe() []worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	var workers []worker
	n.groups = slices.DeleteFunc(n.groups, func(group int) bool {
		of := workersOf(group)
		workers = append(workers, of...)
		return len(of) == 0 && group != n.pid
	})
	n.workers.observe(workers)
	return workers
}

// reload makes nginx read the linked configuration again and waits for it.
func (n *nginx) reload(ctx context.Context, hash string) error {
	old := slices.DeleteFunc(n.observe(), func(w worker) bool { return w.draining })
	n.mu.Lock()
	n.old = old
	n.workers.next()
	n.mu.Unlock()
	n.complaints.clear()
	if err := n.signal(unix.SIGHUP); err != nil {
		return err
	}
	return n.awaitGeneration(ctx, hash, old)
}
