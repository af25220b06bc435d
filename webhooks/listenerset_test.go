package webhooks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openTo is the Gateway infra/home, which lets in ListenerSets of all namespaces.
func openTo(annotation string, listeners ...string) string {
	return strings.Replace(gatewayWith(annotation, listeners...), "  listeners:", "  allowedListeners: {namespaces: {from: All}}\n  listeners:", 1)
}

// listenerSet is the ListenerSet blog/set of that Gateway.
func listenerSet(annotation string, listeners ...string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: set, namespace: blog, annotations: {%s}}
spec:
  parentRef: {name: home, namespace: infra}
  listeners:
  - %s
`, annotation, strings.Join(listeners, "\n  - "))
}

const (
	own     = `{name: own, port: 80, protocol: HTTP, hostname: whoami.example.net}`
	another = `{name: another, port: 80, protocol: HTTP, hostname: another.example.net}`
)

func TestListenerSetValidation(t *testing.T) {
	t.Parallel()
	const (
		shut     = `spec.parentRef: Gateway infra/home lets no ListenerSets of namespace "blog" in: write allowedListeners: {namespaces: {from: All}} into the Gateway's spec, or from: Selector with a selector for the namespace`
		taken    = `spec.listeners[0]: listener "web" has a hostname and a port that are taken: by Gateway infra/home, listener "web": change the listener, until then it does not serve`
		unserved = "HTTPRoute blog/whoami is no longer served by this ListenerSet"
		none     = `spec.listeners[0].tls.certificateRefs: HTTPS listener "tls" has neither a certificate nor any way to get one: name a Secret, or an issuer of cert-manager by annotation cert-manager.io/cluster-issuer or in the GatewayConfig`
	)
	tests := map[string]struct {
		gateway string
		judged
	}{
		"a sound ListenerSet passes without a word":          {openTo("", web), judged{new: listenerSet("", own)}},
		"a Gateway that lets none in is warned of":           {gateway(web), judged{new: listenerSet("", own), warnings: []string{shut}}},
		"a Gateway that may still come is warned of":         {"", judged{new: strings.Replace(listenerSet("", own), "name: home", "name: away", 1), warnings: []string{`spec.parentRef: Gateway "away" not found in namespace "infra": name a Gateway that exists, with its namespace`}}},
		"a parent that is no Gateway is warned of":           {openTo("", web), judged{new: strings.Replace(listenerSet("", own), "{name: home", "{kind: Mesh, name: home", 1), warnings: []string{"spec.parentRef.kind: a ListenerSet has a Gateway as its parent: write kind: Gateway, or leave group and kind out"}}},
		"a listener that the Gateway has is warned of":       {openTo("", web), judged{new: listenerSet("", strings.Replace(web, "All", "Same", 1)), warnings: []string{taken}}},
		"a listener without certificate is warned of":        {openTo("", web), judged{new: listenerSet("", bare), warnings: []string{none}}},
		"a listener that no route uses goes without a word":  {openTo("", web), judged{old: listenerSet("", own, another), new: listenerSet("", own)}},
		"a listener that a route uses goes with a warning":   {openTo("", web), judged{old: listenerSet("", own, another), new: listenerSet("", another), warnings: []string{unserved + ": spec.hostnames: hostname whoami.example.net matches no listener of ListenerSet blog/set (it has another.example.net on listener another): add a listener or change the hostname"}}},
		"one that serves routes is deleted with a warning":   {openTo("", web), judged{old: listenerSet("", own), warnings: []string{unserved}}},
		"one that serves no route is deleted without a word": {openTo("", web), judged{old: listenerSet("", another)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster(t, theCluster, test.gateway, routeTo("{kind: ListenerSet, name: set}", goodRule), test.old)
			test.check(t, s, listenerSetValidatePath)
		})
	}
}

func TestAGatewayThatPutsListenerSetsOutOfServiceIsWarnedOf(t *testing.T) {
	t.Parallel()
	const shut = `ListenerSet blog/set is no longer served: spec.parentRef: Gateway infra/home lets no ListenerSets of namespace "blog" in: write allowedListeners: {namespaces: {from: All}} into the Gateway's spec, or from: Selector with a selector for the namespace`
	tests := map[string]judged{
		"a change that concerns none":      {old: openTo("", web, lan), new: openTo("", web)},
		"ListenerSets that are shut out":   {old: openTo("", web), new: gateway(web), warnings: []string{shut}},
		"a hostname that one of them has":  {old: openTo("", web), new: openTo("", web, strings.Replace(another, "name: another", "name: mine", 1)), warnings: []string{`listener "another" of ListenerSet blog/set no longer serves: spec.listeners[1]: listener "another" has a hostname and a port that are taken: by Gateway infra/home, listener "mine": change the listener, until then it does not serve`}},
		"all, when the Gateway is deleted": {old: openTo("", web), warnings: []string{"ListenerSet blog/set is no longer served"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, test.old, listenerSet("", own, another)), gatewayValidatePath)
		})
	}
}

func TestListenerSetDefaulting(t *testing.T) {
	t.Parallel()
	const named = `[{"op":"add","path":"/spec/listeners/1/tls","value":{"certificateRefs":[{"name":"example-net-tls"}]}}]`
	tests := map[string]struct{ cluster, set, patch string }{
		"its own issuer gives a listener a certificate's name": {openTo("", web), listenerSet(issuer, own, bare), named},
		"the Gateway's does, too":                              {openTo(issuer, web), listenerSet("", own, bare), named},
		"the GatewayConfig's does, too":                        {configured + "---\n" + openTo("", web), listenerSet("", own, bare), named},
		"a certificate that the user names stays":              {openTo(issuer, web), listenerSet("", withCert), ""},
		"without an issuer the listener is the user's own":     {openTo("", web), listenerSet("", bare), ""},
		"one of another's Gateway stays as it is":              {openTo(issuer, web), strings.Replace(listenerSet(issuer, bare), "name: home", "name: other", 1), ""},
		"one whose Gateway is not there stays as it is":        {openTo(issuer, web), strings.Replace(listenerSet(issuer, bare), "name: home", "name: none", 1), ""},
		"one of another parent stays as it is":                 {openTo(issuer, web), strings.Replace(listenerSet(issuer, bare), "{name: home", "{kind: Mesh, name: home", 1), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := review(t, cluster(t, theCluster, test.cluster), listenerSetMutatePath, "", test.set)
			if !response.Allowed {
				t.Fatalf("refused: %v", response.Result)
			}
			if diff := cmp.Diff(test.patch, string(response.Patch)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoutesOfListenerSetsAreMarkedAsThoseOfGateways(t *testing.T) {
	t.Parallel()
	const mark = `[{"op":"add","path":"/metadata/annotations","value":{"gatewright.dev/websocket":"0"}}]`
	tests := map[string]struct{ parent, patch string }{
		"of a ListenerSet of ours":      {"{kind: ListenerSet, name: set}", mark},
		"of one that may still come":    {"{kind: ListenerSet, name: later}", mark},
		"of a ListenerSet of another's": {"{kind: ListenerSet, name: theirs}", ""},
		"of a parent of another kind":   {"{kind: Mesh, name: set}", ""},
	}
	theirs := strings.NewReplacer("name: set", "name: theirs", "name: home", "name: other").Replace(listenerSet("", own))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster(t, theCluster, openTo("", web), listenerSet("", own), theirs)
			response := review(t, s, httpRouteMutatePath, "", routeTo(test.parent, upgrade))
			if diff := cmp.Diff(test.patch, string(response.Patch)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}
