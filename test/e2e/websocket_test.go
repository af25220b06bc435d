package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gatewright/test/homelab"
)

// echoInterval is the pause between two messages.
const echoInterval = 100 * time.Millisecond

// socket is an open websocket to Home Assistant that sends messages and gets
// them back, all the time.
type socket struct {
	echoes  atomic.Int64
	failure atomic.Pointer[error]
}

// openSocket keeps a websocket busy until the test ends.
func openSocket(t *testing.T) *socket {
	t.Helper()
	conn, _, err := dialSocket(t, nil)
	if err != nil {
		t.Fatalf("open a websocket: %v", err)
	}
	return busySocket(t, conn)
}

// dialSocket asks for a websocket, once.
func dialSocket(t *testing.T, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	dialer := laptop(t)
	// The client's own limit would cut the connection.
	dialer.Timeout = 0
	return websocket.Dial(t.Context(), "wss://"+homelab.HomeAssistant+"/api/websocket",
		&websocket.DialOptions{HTTPClient: dialer, HTTPHeader: header})
}

// busySocket keeps an open websocket busy until the test ends.
func busySocket(t *testing.T, conn *websocket.Conn) *socket {
	t.Helper()
	s := &socket{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.keepBusy(ctx, conn); err != nil && ctx.Err() == nil {
			s.failure.Store(&err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = conn.CloseNow()
	})
	return s
}

func (s *socket) keepBusy(ctx context.Context, conn *websocket.Conn) error {
	for n := 0; ; n++ {
		message := fmt.Sprintf("message %d", n)
		if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			return fmt.Errorf("send %s: %w", message, err)
		}
		_, echo, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("wait for the echo of %s: %w", message, err)
		}
		if string(echo) != message {
			return fmt.Errorf("%s came back as %q", message, echo)
		}
		s.echoes.Add(1)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(echoInterval):
		}
	}
}

// expectAlive waits for further echoes on the same connection.
func (s *socket) expectAlive(t *testing.T) {
	t.Helper()
	wanted := s.echoes.Load() + 5
	eventually(t, func(context.Context) error {
		if failure := s.failure.Load(); failure != nil {
			t.Fatalf("the websocket broke: %v", *failure)
		}
		if s.echoes.Load() < wanted {
			return errors.New("the websocket is silent")
		}
		return nil
	})
}

// drainNote is what the Gateway's events say of a reload.
var drainNote = regexp.MustCompile(`this change drains \d+ websockets?, longest drain 24h`)

// expectDrainEvent waits for the event that tells of drained websockets.
func expectDrainEvent(t *testing.T) {
	t.Helper()
	eventually(t, func(context.Context) error {
		said := kubectl(t, "get", "events", "--namespace", homelab.Gateway.Namespace,
			"--field-selector=reason=WebsocketsDraining,involvedObject.kind=Gateway,involvedObject.name="+homelab.Gateway.Name)
		if !drainNote.MatchString(said) {
			return fmt.Errorf("no event tells of websockets that drain, but: %s", said)
		}
		return nil
	})
}

func TestAnOpenWebSocketLivesOn(t *testing.T) {
	explainFailure(t)
	s := openSocket(t)
	s.expectAlive(t)

	t.Run("while whoami is rolled and scaled, and nginx is not reloaded", func(t *testing.T) {
		before := reloads(t)
		rollWhoami(t)
		scaleWhoami(t, 5)
		expectBackends(t, 5)
		scaleWhoami(t, 1)
		expectBackends(t, 1)
		s.expectAlive(t)
		if after := reloads(t); after != before {
			t.Errorf("nginx was reloaded %d times", after-before)
		}
		scaleWhoami(t, 2)
	})
	t.Run("while a route is added, and nginx is reloaded", func(t *testing.T) {
		before := reloads(t)
		apply(t, route("unrelated", toWhoami))
		expect(t, laptop(t), "https://unrelated.jarrett.net/", http.StatusOK)
		s.expectAlive(t)
		if after := reloads(t); after == before {
			t.Error("nginx was not reloaded: the route came by another way than this test is about")
		}
		expectDrainEvent(t)
	})
	t.Run("while the operator is killed", func(t *testing.T) {
		// The route of before is gone from nginx, too.
		expect(t, laptop(t), "https://unrelated.jarrett.net/", http.StatusNotFound)
		before := reloads(t)
		killOperator(t)
		s.expectAlive(t)
		// The next operator is at work once it brings a new route, and that is all
		// that it has nginx reload.
		apply(t, route("next", toWhoami))
		expect(t, laptop(t), "https://next.jarrett.net/", http.StatusOK)
		if after := reloads(t); after != before+1 {
			t.Errorf("the next operator had nginx reload %d times for one route", after-before)
		}
		s.expectAlive(t)
	})
}

// killOperator ends the operator without warning and waits for the next one.
func killOperator(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "pod", "--namespace", homelab.Namespace, "--selector=app.kubernetes.io/component=operator",
		"--grace-period=0", "--force")
	kubectl(t, "rollout", "status", "--namespace", homelab.Namespace, "deployment/gatewright-operator", "--timeout=120s")
}
