package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Network opens connections and listeners at a place, in this process. What it
// returns is used like any other connection: a socket stays in the namespace
// that it was opened in.
type Network struct{ path string }

// Network returns the network at a place.
func (c *Cluster) Network(place Place) Network { return Network{path: c.networkPath(place)} }

// DialContext connects like [net.Dialer.DialContext]. The address must be an
// IP address and a port: there is no resolver at the place. It fits
// http.Transport, websocket dialers and the like, once the caller has mapped
// names to addresses.
func (n Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial %s: a name cannot be resolved here: %w", address, err)
	}
	var conn net.Conn
	err := n.enter(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens like [net.Listen], on an address that the place has.
func (n Network) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var listener net.Listener
	err := n.enter(func() (err error) {
		listener, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err
	})
	return listener, err
}

// ListenPacket listens like [net.ListenPacket], on an address that the place
// has.
func (n Network) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var conn net.PacketConn
	err := n.enter(func() (err error) {
		conn, err = (&net.ListenConfig{}).ListenPacket(ctx, network, address)
		return err
	})
	return conn, err
}

// enter calls open on a thread that is in the network's namespace. open must
// make its sockets itself, not in another goroutine.
func (n Network) enter(open func() error) error {
	target, err := os.Open(n.path)
	if err != nil {
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	defer target.Close()
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		if err != nil {
			result <- fmt.Errorf("find the own network namespace: %w", err)
			return
		}
		defer home.Close()
		if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter the network namespace: %w", err)
			return
		}
		err = open()
		// A thread that cannot come back stays locked, and so ends with this
		// goroutine instead of serving another one.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
