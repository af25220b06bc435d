package homelab

import (
	"context"
	"strings"
)

// Describe says all that helps to see why something does not work: objects,
// events and the ends of the logs.
func (l *Lab) Describe(ctx context.Context) string {
	var out strings.Builder
	for _, args := range [][]string{
		{"get", "pods,deployments,services", "--all-namespaces", "--output=wide"},
		{"get", "gatewayclasses,gateways,httproutes,websocketpolicies", "--all-namespaces", "--output=yaml", "--show-managed-fields=false"},
		{"get", "events", "--all-namespaces", "--field-selector=type=Warning", "--sort-by=.lastTimestamp"},
		{"logs", "--namespace", Namespace, "--selector=app.kubernetes.io/component=operator", "--tail=60", "--prefix"},
		{"logs", "--namespace", Namespace, "--selector=app.kubernetes.io/component=webhook", "--tail=30", "--prefix"},
		{"logs", "--namespace", Gateway.Namespace, "--selector=app.kubernetes.io/name=gatewright-nginx", "--tail=60", "--prefix"},
	} {
		out.WriteString("$ kubectl " + strings.Join(args, " ") + "\n")
		// A command that fails says why; the others say the rest.
		said, err := l.Kubectl(ctx, args...)
		out.WriteString(said)
		if err != nil {
			out.WriteString(err.Error() + "\n")
		}
	}
	return out.String()
}
