package hop_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// bodies are what a server read, and how that ended.
type bodies chan struct {
	text string
	err  error
}

func (b bodies) read(r *http.Request) {
	text, err := io.ReadAll(r.Body)
	b <- struct {
		text string
		err  error
	}{string(text), err}
}

func (b bodies) wait(t *testing.T) (string, error) {
	t.Helper()
	select {
	case got := <-b:
		return got.text, got.err
	case <-time.After(20 * time.Second):
		t.Fatal("no body has come to its end")
		return "", nil
	}
}

// echoing is a backend that sends back what it gets, as it gets it.
func echoing(t *testing.T) string {
	return h2c(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		buffer := make([]byte, 32<<10)
		for {
			n, err := r.Body.Read(buffer)
			_, _ = w.Write(buffer[:n])
			_ = http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	})
}

// call is a call that is open in both directions.
type call struct {
	t        *testing.T
	response *http.Response
	messages *io.PipeWriter
}

func (r *rig) call(t *testing.T) call {
	t.Helper()
	said, messages := io.Pipe()
	response, err := r.client.Do(r.request(http.MethodPost, "/shop.v1.Orders/Watch", said))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = messages.Close()
		_ = response.Body.Close()
	})
	return call{t, response, messages}
}

// say sends a message, and waits for the answer of an echoing backend.
func (c call) say(message []byte) {
	c.t.Helper()
	said := make(chan error, 1)
	// The answer to a long message begins before its end.
	go func() {
		_, err := c.messages.Write(message)
		said <- err
	}()
	answer := make([]byte, len(message))
	if _, err := io.ReadFull(c.response.Body, answer); err != nil || !bytes.Equal(answer, message) {
		c.t.Fatalf("%d bytes of a message came back otherwise: %v", len(message), err)
	}
	if err := <-said; err != nil {
		c.t.Fatal(err)
	}
}

// hangUp ends the call, whose answers are complete then.
func (c call) hangUp() {
	c.t.Helper()
	_ = c.messages.Close()
	if rest, err := io.ReadAll(c.response.Body); err != nil || len(rest) > 0 {
		c.t.Errorf("ended with %q, %v", rest, err)
	}
}
