package agent

import (
	"testing"
)

func TestOnlyConnectionsToBackendsCount(t *testing.T) {
	t.Parallel()
	table := socketTable{listening: map[string]bool{}, open: map[string]socketEnds{}}
	// Port 80 is 0050, 8080 is 1F90, the resolver's 29053 is 717D.
	table.add([]byte(`  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 10 1
   1: 0A2A0005:0050 0A2A0001:C350 01 00000000:00000000 00:00000000 00000000 65532        0 11 1
   2: 0A2A0005:C351 0A2A0007:1F90 01 00000000:00000000 00:00000000 00000000 65532        0 12 1
   3: 0A2A0005:C352 0A2A0007:1F90 06 00000000:00000000 00:00000000 00000000 65532        0 13 1
   4: 0100007F:C353 0100007F:717D 01 00000000:00000000 00:00000000 00000000 65532        0 14 1
   5: 0A2A0005:C354 0A2A0007:717D 01 00000000:00000000 00:00000000 00000000 65532        0 15 1
`))
	table.add([]byte("   0: 00000000000000000000000001000000:C355 00000000000000000000000001000000:1F90 01 0:0 0:0 0 65532 0 16 1\nnonsense\n"))
	for name, tc := range map[string]struct {
		inode string
		want  bool
	}{
		"who waits for connections":              {"10", false},
		"a client's":                             {"11", false},
		"a backend's":                            {"12", true},
		"one that is over":                       {"13", false},
		"the resolver's":                         {"14", false},
		"a backend's at the resolver's port":     {"15", true},
		"a backend's in this pod, over IPv6":     {"16", true},
		"what is no TCP connection of this host": {"17", false},
	} {
		if got := table.outgoing(tc.inode, hexPort("127.0.0.1:29053")); got != tc.want {
			t.Errorf("%s counts: %v", name, got)
		}
	}
	if got := hexPort("127.0.0.1:80"); got != "0050" {
		t.Errorf("port 80 is %s", got)
	}
}
