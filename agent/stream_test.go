package agent_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/nginxroot"
)

func TestStreamsFollowTheirEndpointsWithoutReload(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	root, err := nginxroot.Path(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	// As the compiler prints it for a TCPRoute and a UDPRoute at one port.
	s := site{Modules: filepath.Join(root, "usr/lib/nginx/modules"), Streams: fmt.Sprintf(`
    upstream tcp { zone streams 4m; server tcp.upstream.gatewright service=http resolve; }
    upstream udp { zone streams 4m; server udp.upstream.gatewright service=http resolve max_fails=0; }
    server { listen %[1]s; proxy_half_close on; proxy_pass tcp; }
    server { listen %[1]s udp reuseport; proxy_timeout 10s; proxy_responses 1; proxy_pass udp; }`, address)}
	push := func(tcp, udp string) bundle.State {
		b := p.bundle(s)
		b.Upstreams = []bundle.Upstream{upstream("tcp", tcp), upstream("udp", udp)}
		b.Sort()
		return p.mustPush(b)
	}
	first := push(greeter(t, "one"), answerer(t, "one"))
	p.eventually("connections reach the first backend", func() bool { return greeting(address) == "one\n" })
	p.eventually("datagrams reach the first backend", func() bool { return reply(address) == "one" })
	open, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	reader := bufio.NewReader(open)
	if line, err := reader.ReadString('\n'); line != "one\n" {
		t.Fatalf("greeted with %q: %v", line, err)
	}

	last := push(greeter(t, "two"), answerer(t, "two"))
	p.eventually("connections reach the second backend", func() bool { return greeting(address) == "two\n" })
	p.eventually("datagrams reach the second backend", func() bool { return reply(address) == "two" })
	if last.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
	}
	if _, err := io.WriteString(open, "still there?\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := reader.ReadString('\n'); line != "still there?\n" {
		t.Errorf("the connection from before echoes %q: %v", line, err)
	}
	// The backend has the last word.
	if err := open.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(reader); string(rest) != "bye\n" {
		t.Errorf("the end is %q: %v", rest, err)
	}
}

// greeter says its name on each connection, echoes, and says goodbye when there
// is nothing more to echo.
func greeter(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, name+"\n")
				_, _ = io.Copy(c, c)
				_, _ = io.WriteString(c, "bye\n")
			}()
		}
	}()
	return l.Addr().String()
}

// answerer says its name to each datagram.
func answerer(t *testing.T, name string) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for {
			_, from, err := socket.ReadFrom(make([]byte, 64))
			if err != nil {
				return
			}
			_, _ = socket.WriteTo([]byte(name), from)
		}
	}()
	return socket.LocalAddr().String()
}

// greeting is the first line of a new connection; empty where there is none.
func greeting(address string) string {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line
}

// reply is what a datagram is answered with; empty where it is not.
func reply(address string) string {
	c, err := net.Dial("udp", address)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(c, "?"); err != nil {
		return ""
	}
	buffer := make([]byte, 64)
	n, _ := c.Read(buffer)
	return string(buffer[:n])
}
