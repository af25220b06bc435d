package explain

import (
	"fmt"

	"github.com/gatewright/gatewright/compiler/graph"
)

// refusal says why a request does not become a websocket; empty where it may.
func refusal(limits graph.WebSocketLimits, r Request) string {
	origin := r.header("Origin")
	switch {
	case limits.Refused:
		return "the WebSocketPolicy that is to limit websockets is faulty: lint and status tell why"
	case !limits.Allow(origin):
		return fmt.Sprintf("the WebSocketPolicy does not allow websockets from %q", origin)
	}
	return ""
}
