package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/homelab"
)

func TestTheHomelab(t *testing.T) {
	explainFailure(t)

	t.Run("serves whoami over HTTPS at the load balancer's address", func(t *testing.T) {
		expect(t, laptop(t), "https://"+homelab.Whoami+"/path?and=query", http.StatusOK,
			"GET /path?and=query HTTP/1.1", "Host: "+homelab.Whoami, "X-Forwarded-Proto: https",
			"X-Forwarded-For: "+topology.ClientIP)
	})
	t.Run("answers 404 for a host that no route has", func(t *testing.T) {
		expect(t, laptop(t), "https://nobody.jarrett.net/", http.StatusNotFound)
	})
	t.Run("sends people from port 80 to HTTPS", func(t *testing.T) {
		got := expect(t, laptop(t), "http://"+homelab.Whoami+"/path?and=query", http.StatusMovedPermanently)
		if want := "https://" + homelab.Whoami + "/path?and=query"; got.header.Get("Location") != want {
			t.Errorf("the redirect leads to %q instead of %q", got.header.Get("Location"), want)
		}
	})
	t.Run("serves Home Assistant from outside the cluster", func(t *testing.T) {
		expect(t, laptop(t), "https://"+homelab.HomeAssistant+"/", http.StatusOK, "Host: "+homelab.HomeAssistant)
	})
	t.Run("says in statuses that it serves", func(t *testing.T) { eventually(t, statusesAreGood) })
	t.Run("is readable with kubectl get", func(t *testing.T) {
		said := kubectl(t, "get", "gateways,httproutes,websocketpolicies", "--all-namespaces")
		t.Logf("kubectl get gateways,httproutes,websocketpolicies --all-namespaces\n%s", said)
		for _, line := range []string{
			`infra +gateway\.gateway\.networking\.k8s\.io/jarrett-net +gatewright +` + regexp.QuoteMeta(address) + ` +True`,
			`whoami +httproute\.gateway\.networking\.k8s\.io/whoami +\["whoami\.jarrett\.net"\]`,
			`home-assistant +websocketpolicy\.gatewright\.dev/home-assistant-websocket +home-assistant +1h +True`,
		} {
			if !regexp.MustCompile(line).MatchString(said) {
				t.Errorf("no line is like %q", line)
			}
		}
	})
	t.Run("serves a renewed certificate without a reload", renewCertificate)
	t.Run("serves another domain beside the first once its listener is added", func(t *testing.T) {
		addSecondDomain(t)
		expect(t, laptop(t), "https://"+homelab.SecondDomain+"/", http.StatusOK, "Host: "+homelab.SecondDomain)
		expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)
	})
}

func statusesAreGood(ctx context.Context) error {
	var class gatewayv1.GatewayClass
	if err := lab.Client.Get(ctx, types.NamespacedName{Name: "gatewright"}, &class); err != nil {
		return err
	}
	if err := homelab.IsTrue(class.Status.Conditions, string(gatewayv1.GatewayClassConditionStatusAccepted), class.Generation); err != nil {
		return fmt.Errorf("GatewayClass: %w", err)
	}
	var gateway gatewayv1.Gateway
	if err := lab.Client.Get(ctx, homelab.Gateway, &gateway); err != nil {
		return err
	}
	for _, kind := range []gatewayv1.GatewayConditionType{gatewayv1.GatewayConditionAccepted, gatewayv1.GatewayConditionProgrammed} {
		if err := homelab.IsTrue(gateway.Status.Conditions, string(kind), gateway.Generation); err != nil {
			return fmt.Errorf("Gateway: %w", err)
		}
	}
	for _, listener := range gateway.Status.Listeners {
		for _, kind := range []gatewayv1.ListenerConditionType{
			gatewayv1.ListenerConditionAccepted, gatewayv1.ListenerConditionProgrammed, gatewayv1.ListenerConditionResolvedRefs,
		} {
			if err := homelab.IsTrue(listener.Conditions, string(kind), gateway.Generation); err != nil {
				return fmt.Errorf("listener %s: %w", listener.Name, err)
			}
		}
	}
	for _, name := range []string{"whoami", "home-assistant"} {
		if err := routeIsGood(ctx, types.NamespacedName{Namespace: name, Name: name}); err != nil {
			return err
		}
	}
	return nil
}

// routeIsGood tells why a route is not accepted with all references resolved.
func routeIsGood(ctx context.Context, key types.NamespacedName) error {
	var route gatewayv1.HTTPRoute
	if err := lab.Client.Get(ctx, key, &route); err != nil {
		return err
	}
	if len(route.Status.Parents) == 0 {
		return fmt.Errorf("HTTPRoute %s has no status", key)
	}
	for _, kind := range []gatewayv1.RouteConditionType{gatewayv1.RouteConditionAccepted, gatewayv1.RouteConditionResolvedRefs} {
		if err := homelab.IsTrue(route.Status.Parents[0].Conditions, string(kind), route.Generation); err != nil {
			return fmt.Errorf("HTTPRoute %s: %w", key, err)
		}
	}
	return nil
}

// addSecondDomain applies the sample's second domain for the time of the test.
func addSecondDomain(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := lab.Kubectl(context.Background(), "delete", "--namespace=whoami", "httproute", "whoami-example-org"); err != nil {
			t.Error(err)
		}
		if _, err := lab.ApplySample(context.Background(), homelab.GatewayFile); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := lab.GatewayAddress(ctx, homelab.Gateway); err != nil {
			t.Error(err)
		}
	})
	if _, err := lab.ApplySample(t.Context(), homelab.SecondDomainFile); err != nil {
		t.Fatal(err)
	}
}

func renewCertificate(t *testing.T) {
	old, before := servedSerial(t), reloads(t)
	if err := lab.PutCertificate(t.Context(), types.NamespacedName{Namespace: homelab.Gateway.Namespace, Name: "jarrett-net-tls"}, "*.jarrett.net"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(context.Context) error {
		if servedSerial(t) == old {
			return fmt.Errorf("certificate %s is still served", old)
		}
		return nil
	})
	if after := reloads(t); after != before {
		t.Errorf("nginx was reloaded %d times", after-before)
	}
}

// servedSerial is the serial number of the certificate that a new client gets.
func servedSerial(t *testing.T) string {
	t.Helper()
	conn, err := lab.Cluster.Network(cluster.Client).DialContext(t.Context(), "tcp", net.JoinHostPort(address, "443"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	session := tls.Client(conn, &tls.Config{RootCAs: lab.Authority.Pool(), ServerName: homelab.Whoami, MinVersion: tls.VersionTLS12})
	if err := session.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return session.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
