// Command gatewright-agent supervises the nginx of one Gateway, in its pod. It is
// a program of its own so that nothing of the Kubernetes packages takes room in
// each of those pods.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/gatewright/gatewright/agent"
	"github.com/gatewright/gatewright/cmd/commandline"
	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/cmd/logging"
)

func main() {
	logs, err := logging.Defaults()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatewright-agent:", err)
		os.Exit(1)
	}
	var o agent.Options
	commandline.Program{
		Name: "gatewright-agent",
		Help: "Supervises the nginx of one Gateway of Gatewright.",
		Flags: func(f *pflag.FlagSet) {
			f.StringVar(&o.RunDir, "run-dir", "", "Writable `DIR` for nginx's configuration and certificates.")
			f.StringVar(&o.StoredDir, "stored-dir", "", "`DIR` with the last good bundle.")
			f.StringVar(&o.IdentityDir, "identity-dir", "", "`DIR` with tls.crt, tls.key and ca.crt.")
			logs.Add(f)
		},
	}.Read()
	o.Logger = logs.Logger()
	footprint.CollectEarly()
	go footprint.Tend(context.Background())
	// Signals are left to the agent: the first drains nginx, the second stops it.
	if err := agent.Run(context.Background(), o); err != nil {
		o.Logger.Error("the agent has failed", "error", err)
		os.Exit(1)
	}
}
