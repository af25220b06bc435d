package agent

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The states of a socket in proc_net_tcp(5) that matter here.
const (
	tcpEstablished = "01"
	tcpListen      = "0A"
)

// socketTable is what /proc/net/tcp and tcp6 tell of this network namespace.
type socketTable struct {
	// listening has the ports, in hexadecimal.
	listening map[string]bool
	// open are the ends of established connections, by inode.
	open map[string]socketEnds
}

// socketEnds are "address:port" in the table's own hexadecimal form.
type socketEnds struct{ local, remote string }

func readSocketTable() socketTable {
	table := socketTable{listening: map[string]bool{}, open: map[string]socketEnds{}}
	for _, path := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		// A kernel without IPv6 has no tcp6.
		if data, err := os.ReadFile(path); err == nil {
			table.add(data)
		}
	}
	return table
}

func (t socketTable) add(data []byte) {
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		switch fields[3] {
		case tcpListen:
			t.listening[portOf(fields[1])] = true
		case tcpEstablished:
			t.open[fields[9]] = socketEnds{fields[1], fields[2]}
		}
	}
}

// outgoing says whether the inode is that of a connection that was opened from
// here, and not to the resolver, whose port is given.
func (t socketTable) outgoing(inode, resolver string) bool {
	ends, ok := t.open[inode]
	if !ok || t.listening[portOf(ends.local)] {
		return false
	}
	toSelf := strings.TrimSuffix(ends.local, portOf(ends.local)) == strings.TrimSuffix(ends.remote, portOf(ends.remote))
	return !toSelf || portOf(ends.remote) != resolver
}

func portOf(end string) string { return end[strings.LastIndexByte(end, ':')+1:] }

// hexPort is the port of an address as the table has it.
func hexPort(address string) string {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	s := strings.ToUpper(strconv.FormatUint(n, 16))
	return strings.Repeat("0", max(0, 4-len(s))) + s
}

// openSockets are numbers of websockets, by worker.
type openSockets map[int]int

func (o openSockets) any(w worker) bool { return o[w.pid] > 0 }

func (o openSockets) sum() int {
	sum := 0
	for _, n := range o {
		sum += n
	}
	return sum
}

// websockets counts what clients still have open through each of these draining
// workers. nginx itself keeps no such count, so it is that of connections to
// backends: those that nobody uses a worker closes as soon as it drains. A
// download, an event stream or a stream of a TLSRoute that takes as long looks
// the same from outside, and counts. Websockets that go through the hop have no
// connection to the backend of their own; the hop counts them, by worker.
func (n *nginx) websockets(workers []worker) openSockets {
	if len(workers) == 0 {
		return nil
	}
	table, resolver, hopped := readSocketTable(), hexPort(n.options.ResolverAddress), n.hopped()
	count := openSockets{}
	for _, w := range workers {
		count[w.pid] += hopped[w.pid]
		descriptors, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(w.pid), "fd", "*"))
		if err != nil {
			continue
		}
		for _, path := range descriptors {
			target, err := os.Readlink(path)
			if err != nil {
				continue // It has been closed.
			}
			inode, ok := strings.CutPrefix(target, "socket:[")
			if ok && table.outgoing(strings.TrimSuffix(inode, "]"), resolver) {
				count[w.pid]++
			}
		}
	}
	return count
}
