package webhooks

import "testing"

const (
	config = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {name: big, namespace: infra}
spec: {resources: {requests: {memory: 1Gi}, limits: {memory: 2Gi}}}
`
	contradictoryConfig = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {name: big, namespace: infra}
spec: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}
`
	policy = `
apiVersion: gatewright.dev/v1alpha1
kind: WebSocketPolicy
metadata: {name: long, namespace: blog}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: whoami}]}
`
	aimlessPolicy = `
apiVersion: gatewright.dev/v1alpha1
kind: WebSocketPolicy
metadata: {name: long, namespace: blog}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: whomai}]}
`
)

func TestOwnKindsValidation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path string
		judged
	}{
		"a sound GatewayConfig passes": {gatewayConfigValidatePath, judged{new: config}},
		"a request above its limit is refused": {gatewayConfigValidatePath, judged{
			old: config, new: contradictoryConfig,
			refusal: "spec.resources.requests[memory]: 2Gi is more than the limit 1Gi: raise the limit or lower the request",
		}},
		"a sound WebSocketPolicy passes": {webSocketPolicyValidatePath, judged{new: policy}},
		"a target that may still come is warned of": {webSocketPolicyValidatePath, judged{
			new:      aimlessPolicy,
			warnings: []string{`spec.targetRefs[0].name: HTTPRoute "whomai" not found in namespace "blog": did you mean "whoami"?`},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, route(goodRule), test.old), test.path)
		})
	}
}
