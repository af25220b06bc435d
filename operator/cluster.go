package operator

import (
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cluster is the API server, in the three ways in which it is used.
type cluster struct {
	writer client.Writer
	// statuses writes the status subresource.
	statuses client.StatusClient
	// cached reads what is watched. Secrets are there without their values, and
	// what it returns nobody may change.
	cached client.Reader
	// live asks the API server itself.
	live   client.Reader
	scheme *runtime.Scheme
}
