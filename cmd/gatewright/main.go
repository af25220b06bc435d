// Command gatewright is the operator, the admission webhook, and what users run on
// manifests. What runs in the nginx pods is command gatewright-agent.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/gatewright/gatewright/cmd/logging"
)

func main() {
	logs, err := logging.Defaults()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatewright:", err)
		os.Exit(1)
	}
	c := commands{Log: logs}
	command := c.program().Read()
	err = command.Run()
	var f failure
	switch {
	case err == nil:
	case errors.As(err, &f):
		if f.err != nil {
			fmt.Fprintln(os.Stderr, "gatewright:", f.err)
		}
		os.Exit(f.code)
	default:
		c.Log.Logger().Error("gatewright has failed", "command", command.Name, "error", err)
		os.Exit(1)
	}
}
