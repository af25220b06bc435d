package dataplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	dialTimeout  = 3 * time.Second
	stateTimeout = 10 * time.Second
	// pushTimeout is above the agent's own bounds on a reload and the way back:
	// while a busy node works on a bundle, sending it again would not help.
	pushTimeout = 5 * time.Minute
	// maxAnswer bounds what a pod can make the operator hold.
	maxAnswer = 1 << 20
	// maxComplaint bounds what an error or a status quotes of an answer.
	maxComplaint = 1000
)

// agent speaks with the agent of one pod.
type agent struct {
	base string
	http *http.Client
}

// newAgent returns a client of the agent at the address. Each connection asks
// anew which identity to show and to expect, so rotated ones are used at once.
func newAgent(address string, identity func() *tls.Config) *agent {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &agent{
		base: "https://" + address,
		http: &http.Client{
			Transport: &http.Transport{
				DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					return (&tls.Dialer{NetDialer: dialer, Config: identity()}).DialContext(ctx, network, address)
				},
				MaxIdleConnsPerHost: 1,
				IdleConnTimeout:     time.Minute,
			},
			// A redirect would lead to someone whom nobody has verified.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (a *agent) close() { a.http.CloseIdleConnections() }

// state asks what the pod serves.
func (a *agent) state(ctx context.Context) (bundle.State, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	return a.do(ctx, http.MethodGet, bundle.PathState, nil)
}

// push sends the bundle and waits until nginx serves or has refused it: the
// state says which.
func (a *agent) push(ctx context.Context, o *Offer) (bundle.State, error) {
	body, err := o.Encoded()
	if err != nil {
		return bundle.State{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	return a.do(ctx, http.MethodPut, bundle.PathBundle, body)
}

// patch sends no more than the endpoints that changed. It fails where the pod
// serves something else than the patch is for.
func (a *agent) patch(ctx context.Context, p bundle.Patch) (bundle.State, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return bundle.State{}, fmt.Errorf("encode a patch: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	return a.do(ctx, http.MethodPatch, bundle.PathBundle, body)
}

func (a *agent) do(ctx context.Context, method, path string, body []byte) (bundle.State, error) {
	var state bundle.State
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return state, fmt.Errorf("ask the agent: %w", err)
	}
	response, err := a.http.Do(request)
	if err != nil {
		return state, fmt.Errorf("ask the agent: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return state, fmt.Errorf("read the agent's answer: %w", err)
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusUnprocessableEntity:
	default:
		return state, fmt.Errorf("%s %s: the agent answers %s: %s", method, path, response.Status, complaint(string(answer)))
	}
	if err := json.Unmarshal(answer, &state); err != nil {
		return state, fmt.Errorf("read the agent's answer: %w", err)
	}
	if state.Refused != nil {
		state.Refused.Message = complaint(state.Refused.Message)
	}
	return state, nil
}

// complaint cuts a data plane's words to what others are to hear of them.
func complaint(words string) string {
	return strings.ToValidUTF8(strings.TrimSpace(words[:min(len(words), maxComplaint)]), "?")
}
