package agent

import "testing"

func TestMasterRestsOnlyWhileItWaitsForSignals(t *testing.T) {
	t.Parallel()
	const waiting = "Name:\tnginx\nState:\tS (sleeping)\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n"
	for name, tc := range map[string]struct {
		status string
		want   bool
	}{
		"in sigsuspend":              {waiting, true},
		"with a signal to act on":    {"State:\tS (sleeping)\nShdPnd:\t0000000000000001\nSigBlk:\t0000000000000000\n", false},
		"between attempts to bind":   {"State:\tS (sleeping)\nShdPnd:\t0000000000000000\nSigBlk:\t0000000018016a07\n", false},
		"reading a configuration":    {"State:\tR (running)\nShdPnd:\t0000000000000000\nSigBlk:\t0000000018016a07\n", false},
		"about to handle the signal": {"State:\tR (running)\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n", false},
		"dead":                       {"Name:\tnginx\nState:\tZ (zombie)\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n", false},
		"gone":                       {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseRest(tc.status); got != tc.want {
				t.Errorf("at rest: %v, want %v", got, tc.want)
			}
		})
	}
}
