package agent

import (
	"os"
	"regexp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// inet6File is there on a kernel that knows IPv6.
const inet6File = "/proc/net/if_inet6"

// listen6 matches a line that makes nginx listen on IPv6 addresses. The
// compiler prints each listen directive on a line of its own, and user text
// with a line break in it never.
var listen6 = regexp.MustCompile(`(?m)^\s*listen \[::\]:\d+[^;\n]*;\n`)

// kernelLacksIPv6 says whether IPv6 is switched off for good
// (ipv6.disable=1), as some do at home.
func kernelLacksIPv6() bool {
	_, err := os.Stat(inet6File)
	return os.IsNotExist(err)
}

// withoutIPv6 leaves out the lines with which nginx would refuse to start on a
// kernel without IPv6. A bundle is the same for all nodes, so only the agent
// can know.
func withoutIPv6(files []bundle.File) []bundle.File {
	out := make([]bundle.File, 0, len(files))
	for _, f := range files {
		out = append(out, bundle.File{Path: f.Path, Data: listen6.ReplaceAll(f.Data, nil)})
	}
	return out
}
