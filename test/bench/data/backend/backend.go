package backend

import (
	"context"
	"crypto/sha1" // as RFC 6455 asks
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Serve echoes and swallows at one port, and answers calls at the other, until
// the context ends or a server fails.
func Serve(ctx context.Context, echo, calls int) error {
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	servers := map[int]*http.Server{
		echo:  {Handler: Echo, ReadHeaderTimeout: time.Minute},
		calls: {Handler: http.HandlerFunc(call), ReadHeaderTimeout: time.Minute, Protocols: h2c},
	}
	failed := make(chan error, len(servers))
	for port, s := range servers {
		s.Addr = fmt.Sprintf(":%d", port)
		go func() { failed <- s.ListenAndServe() }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serve as a backend: %w", err)
	}
}

// Echo echoes websockets, and tells how many bytes another request's body had.
var Echo http.Handler = http.HandlerFunc(echoOrSwallow)

func echoOrSwallow(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		echo(w, r)
		return
	}
	n, err := io.CopyBuffer(onlyWriter{io.Discard}, r.Body, make([]byte, 256<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, n)
}

// onlyWriter hides that io.Discard chooses a buffer of its own.
type onlyWriter struct{ io.Writer }

// echo sends every message of up to 125 bytes back.
func echo(w http.ResponseWriter, r *http.Request) {
	c, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	const id = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + id))
	_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	for err == nil {
		err = echoFrame(c, buffered)
	}
}

// echoFrame takes the mask off a frame (RFC 6455, section 5.2) and sends it back.
func echoFrame(c net.Conn, from io.Reader) error {
	const header, mask = 2, 4
	var frame [header + mask + 125]byte
	if _, err := io.ReadFull(from, frame[:header]); err != nil {
		return err
	}
	length := int(frame[1] & 0x7f)
	if length > 125 || frame[1]&0x80 == 0 {
		return fmt.Errorf("a frame of a client begins with %x", frame[:header])
	}
	if _, err := io.ReadFull(from, frame[header:header+mask+length]); err != nil {
		return err
	}
	for i := range length {
		frame[header+mask+i] ^= frame[header+i%mask]
	}
	// The header moves up to the payload, over the mask.
	frame[mask], frame[mask+1] = frame[0], byte(length)
	_, err := c.Write(frame[mask : header+mask+length])
	return err
}

// call answers a unary call with the message that it was sent, or lets everybody
// in if that is the question.
func call(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == "/envoy.service.auth.v3.Authorization/Check" {
		message = letIn
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(message)
	w.Header().Set("Grpc-Status", "0")
}

// letIn is a message of two bytes after its header: a CheckResponse whose status
// (field 1) is there and says nothing, which is OK.
var letIn = []byte{0, 0, 0, 0, 2, 1<<3 | 2, 0}
