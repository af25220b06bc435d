// Package backend answers what nginx as a backend cannot: it echoes websockets,
// swallows uploads, and answers calls of gRPC.
//
// In: ports. Out: servers. It must not know who asks.
package backend
