package hop

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// socketBuffer is small, as websockets are held for days.
const socketBuffer = 4 << 10

var errNoUpgrade = errors.New("the backend switches to a protocol that it was not asked for")

// upgrade passes on what both ends say after 101, for as long as both are
// there: the rule's timeouts end here.
func (x *exchange) upgrade(a *attempt) {
	back, ok := a.response.Body.(io.ReadWriteCloser)
	if protocol := upgradeOf(a.response.Header); !ok || protocol == "" || protocol != x.header.Get("Upgrade") {
		x.finish(&attempt{endpoint: a.endpoint, err: errNoUpgrade})
		return
	}
	if a.timer != nil && !a.timer.Stop() || !x.countdown.answer() {
		x.finish(&attempt{endpoint: a.endpoint, err: errBackendTime})
		return
	}
	x.countdown.stop()
	front, buffered, err := x.control.Hijack()
	if err != nil {
		x.finish(&attempt{endpoint: a.endpoint, err: err})
		return
	}
	defer front.Close()
	peer := peerOf(front)
	x.server.counts.upgraded.add(peer, 1)
	defer x.server.counts.upgraded.add(peer, -1)
	protocol := a.response.Header.Get("Upgrade")
	removeConnectionHeaders(a.response.Header)
	x.changeResponse(a.response.Header)
	a.response.Header.Set("Connection", "Upgrade")
	a.response.Header.Set("Upgrade", protocol)
	head := http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMajor: 1, ProtoMinor: 1, Header: a.response.Header}
	if head.Write(buffered) != nil || buffered.Flush() != nil {
		return
	}
	both := func() {
		_ = front.Close()
		_ = back.Close()
	}
	defer both()
	defer context.AfterFunc(x.server.base, both)()
	done := make(chan struct{}, 2)
	go func() {
		// The reader has what the client sent early, and a buffer.
		_, _ = buffered.Reader.WriteTo(back)
		done <- struct{}{}
	}()
	go func() {
		_, _ = io.CopyBuffer(front, struct{ io.Reader }{back}, make([]byte, socketBuffer))
		done <- struct{}{}
	}()
	<-done
	both()
	<-done
}
