// Command gatewright is all of Gatewright: the operator, the admission webhook,
// and the agent in the nginx pods.
package main

import (
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
	if err := parsed.Run(c.Log.logger()); err != nil {
		c.Log.logger().Error("gatewright has failed", "command", parsed.Command(), "error", err)
		os.Exit(1)
	}
}
