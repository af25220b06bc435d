// Package conformance runs the Gateway API's own conformance suite on a real
// one-node cluster with the chart installed.
//
// The suite sends its traffic from the test process itself, so the process
// that `go test` starts brings up the cluster and then runs itself once more as
// a laptop on the home LAN, where LoadBalancer addresses are found by ARP.
//
// In: this repository, and the suite's flags. Out: go test's verdict, a table
// of what passed, and after a whole run the official report in
// docs/conformance. It must not know how Gatewright does anything: what it
// supports, its GatewayClass says.
package conformance
