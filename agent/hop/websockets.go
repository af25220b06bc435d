package hop

import (
	"maps"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// websockets counts upgraded connections by the process at nginx's end.
type websockets struct {
	mu sync.Mutex
	of map[int]int
}

// add counts one more, or one less.
func (c *websockets) add(process, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int]int{}
	}
	if c.of[process] += n; c.of[process] == 0 {
		delete(c.of, process)
	}
}

// Websockets counts the open websockets by the process that has the other end:
// a worker of nginx.
func (s *Server) Websockets() map[int]int {
	s.counts.upgraded.mu.Lock()
	defer s.counts.upgraded.mu.Unlock()
	return maps.Clone(s.counts.upgraded.of)
}

// peerOf returns the process that opened the connection (SO_PEERCRED, unix(7));
// 0 if there is no telling.
func peerOf(c net.Conn) int {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	process := 0
	_ = raw.Control(func(descriptor uintptr) {
		if peer, err := unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			process = int(peer.Pid)
		}
	})
	return process
}
