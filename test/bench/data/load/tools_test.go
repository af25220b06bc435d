package load

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wrkOutput = `Running 2s test @ http://127.0.0.1:10080/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms    2.01ms  40.02ms   93.11%
    Req/Sec    58.33k     9.11k   70.10k    70.00%
  Latency Distribution
     50%  500.00us
     75%    1.01ms
     90%    2.20ms
     99%    1.20s
  120000 requests in 2.00s, 20.00MB read
`

func TestWrkIsUnderstood(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  string
		want Result
	}{
		"all well": {
			end:  "Requests/sec:  60000.50\nTransfer/sec:     10.00MB\n",
			want: Result{Count: 120000, Rate: 60000.5, P50: 0.5, P99: 1200},
		},
		"answers of other statuses do not count": {
			end: "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 20000\n" +
				"Requests/sec:  60000.50\n",
			want: Result{Count: 100000, Rate: 60000.5, P50: 0.5, P99: 1200, Failed: 20010},
		},
	} {
		got, err := parseWrk(wrkOutput + tc.end)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := parseWrk("unable to connect to 127.0.0.1:10080 Connection refused\n"); err == nil {
		t.Error("what wrk says when it cannot connect is taken for figures")
	}
}

const h2loadOutput = `starting benchmark...
spawning thread #0: 64 total client(s). Timing-based test with 0s of warm-up time and 2s of main duration for measurements.
finished in 2.00s, 42000.25 req/s, 5.00MB/s
requests: 84640 total, 84640 started, 84000 done, 83990 succeeded, 10 failed, 10 errored, 0 timeout
status codes: 83990 2xx, 0 3xx, 0 4xx, 0 5xx
`

func TestH2loadIsUnderstood(t *testing.T) {
	t.Parallel()
	log := "1700000000000000\t200\t1000\n1700000000000100\t200\t3000\n1700000000000200\t200\t2000\n"
	got, err := parseH2load(h2loadOutput, log)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{Count: 83990, Rate: 42000.25, P50: 2, P99: 3, Failed: 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, given := range map[string][2]string{
		"no figures":            {"could not connect\n", log},
		"an empty log":          {h2loadOutput, ""},
		"a log of another kind": {h2loadOutput, "now 200 fast\n"},
	} {
		if _, err := parseH2load(given[0], given[1]); err == nil {
			t.Errorf("%s: taken for figures", name)
		}
	}
}

func TestAMessageOfGRPCHasItsLengthBeforeIt(t *testing.T) {
	t.Parallel()
	if got, want := string(Plan{Body: 3, GRPC: true}.body()), "\x00\x00\x00\x00\x03bbb"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
}

func TestAPlanIsPrintedAsItsCommandLine(t *testing.T) {
	t.Parallel()
	got := Plan{Tool: Wrk, Host: "a.example.net", Port: 80, Path: "/small", Connections: 64, Close: true}.String()
	for _, want := range []string{"wrk --threads 1", "--connections 64", "'Host: a.example.net'", "'Connection: close'", "http://127.0.0.1:80/small"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
