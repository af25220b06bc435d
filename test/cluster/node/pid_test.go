package node

import (
	"strings"
	"testing"
)

func TestStartTime(t *testing.T) {
	t.Parallel()
	// As in proc(5): state, then 18 further fields, then starttime.
	stat := func(command, state string) string {
		return "42 (" + command + ") " + state + strings.Repeat(" 7", 18) + " 123456 0 0"
	}
	for name, tc := range map[string]struct {
		stat    string
		want    uint64
		wantErr bool
	}{
		"is the field that proc(5) names":                      {stat: stat("etcd", "S"), want: 123456},
		"is found behind a command with parentheses and space": {stat: stat("a) R 1 (b", "S"), want: 123456},
		"is absent for a process that only waits to be reaped": {stat: stat("etcd", "Z"), wantErr: true},
		"is absent in a line that is cut short":                {stat: "42 (etcd) S 1 2", wantErr: true},
		"is absent in a line without a command":                {stat: "", wantErr: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := StartTime([]byte(tc.stat))
			if got != tc.want || (err != nil) != tc.wantErr {
				t.Errorf("StartTime = %d, %v; want %d, error %v", got, err, tc.want, tc.wantErr)
			}
		})
	}
}
