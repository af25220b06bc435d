// Package operator is the control plane: it watches the cluster, has the
// compiler say what follows, and carries it out: objects, bundles, statuses,
// events. It decides nothing itself.
//
// In: the cluster, through the observer; the answers of the data planes. Out:
// server-side applied objects, bundles pushed to nginx pods, statuses of which
// it writes only its own entries. It must not know what a route or a listener
// means, nor nginx.
package operator
