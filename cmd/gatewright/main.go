// Command gatewright is the operator, the admission webhook, and what users run on
// manifests. What runs in the nginx pods is command gatewright-agent.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

func main() {
	var c commands
	parsed := kong.Parse(&c,
		kong.Name("gatewright"),
		kong.Description("A Gateway API implementation on nginx."),
		kong.UsageOnError(),
	)
	err := parsed.Run(c.Log.Logger())
	var f failure
	switch {
	case err == nil:
	case errors.As(err, &f):
		if f.err != nil {
			fmt.Fprintln(os.Stderr, "gatewright:", f.err)
		}
		os.Exit(f.code)
	default:
		c.Log.Logger().Error("gatewright has failed", "command", parsed.Command(), "error", err)
		os.Exit(1)
	}
}
