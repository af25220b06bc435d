package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
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
