// Command gatewright-agent supervises the nginx of one Gateway, in its pod. It is
// a program of its own so that nothing of the Kubernetes packages takes room in
// each of those pods.
package main

import (
	"context"
	"os"

	"github.com/alecthomas/kong"

	"github.com/gatewright/gatewright/agent"
	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/cmd/logging"
)

type command struct {
	Log logging.Flags `embed:"" prefix:"log-"`

	RunDir      string `help:"Writable directory for nginx's configuration and certificates." placeholder:"DIR"`
	StoredDir   string `help:"Directory with the last good bundle." placeholder:"DIR"`
	IdentityDir string `help:"Directory with tls.crt, tls.key and ca.crt." placeholder:"DIR"`
}

func main() {
	var c command
	kong.Parse(&c,
		kong.Name("gatewright-agent"),
		kong.Description("Supervises the nginx of one Gateway of Gatewright."),
		kong.UsageOnError(),
	)
	go footprint.Tend(context.Background())
	log := c.Log.Logger()
	// Signals are left to the agent: the first drains nginx, the second stops it.
	err := agent.Run(context.Background(), agent.Options{
		RunDir: c.RunDir, StoredDir: c.StoredDir, IdentityDir: c.IdentityDir, Logger: log,
	})
	if err != nil {
		log.Error("the agent has failed", "error", err)
		os.Exit(1)
	}
}
