package node

import (
	"io"
	"net"
	"sync"

	"github.com/gatewright/gatewright/test/cluster/topology"
)

// forwardAPI passes connections from the listener on to the API server. The
// listener was opened outside: a socket stays in the network namespace that it
// was made in, and so this process serves the host's loopback.
func forwardAPI(listener net.Listener) error {
	for {
		incoming, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer incoming.Close()
			server, err := net.Dial("tcp", topology.APIAddress)
			if err != nil {
				return
			}
			defer server.Close()
			splice(incoming.(*net.TCPConn), server.(*net.TCPConn))
		}()
	}
}

// splice copies both ways until both sides have closed.
func splice(left, right *net.TCPConn) {
	var both sync.WaitGroup
	for _, pair := range [][2]*net.TCPConn{{left, right}, {right, left}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].CloseWrite()
		})
	}
	both.Wait()
}
