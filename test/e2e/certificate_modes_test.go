package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/acme"
)

// The two who can make a Certificate.
const (
	theShim     = "cert-manager's gateway-shim"
	theOperator = "the operator"
)

// tlsListener is a further listener of acmeManifest's Gateway; secret is empty
// where admission is to name it.
func tlsListener(name, hostname, secret string) string {
	tls := ""
	if secret != "" {
		tls = ", tls: {certificateRefs: [{name: " + secret + "}]}"
	}
	return fmt.Sprintf("\n  - {name: %s, hostname: %q, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}%s}", name, hostname, tls)
}

// TestNoCertificateIsLostOrDoubledWhenTheShimIsSwitched turns cert-manager's
// gateway-shim off and on again while certificates come and go.
func TestNoCertificateIsLostOrDoubledWhenTheShimIsSwitched(t *testing.T) {
	explainFailure(t)
	newNamespace(t, acmeGateway.Namespace)
	s := &modeStory{certificateStory: certificateStory{authority: startAuthority(t, acme.Options{Shim: true})}, whole: t}
	t.Cleanup(func() {
		if err := lab.Delete(context.Background(), acmeManifest("")); err != nil {
			t.Error(err)
		}
	})
	for _, chapter := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"with the shim on, it makes the Certificate", s.shimOn},
		{"with the shim off, its Certificate stays and the operator makes the next", s.shimOff},
		{"with the shim off, the operator takes over what no longer fits", s.takeover},
		{"with the shim on again, each keeps its own", s.shimOnAgain},
		{"a challenge that finds no zone is told, and the others are live", s.noZone},
		{"without admission the operator makes what the Gateway does not name", s.withoutAdmission},
		{"a Certificate goes with the last listener that needs it", s.prune},
	} {
		if !t.Run(chapter.name, chapter.tell) {
			t.FailNow()
		}
	}
	s.shaken.end(t)
}

// modeStory is told in chapters that build on each other.
type modeStory struct {
	certificateStory
	// whole is the test that the chapters are of: the handshakes last as long.
	whole *testing.T
	// shaken are handshakes with the first listener, all the time.
	shaken *handshakes
	// first and third are the serial numbers of their certificates.
	first, third string
	// extra are the Gateway's further listeners.
	extra []string
}

var third = types.NamespacedName{Namespace: acmeGateway.Namespace, Name: "third-jarrett-net-tls"}

// apply brings the Gateway's further listeners to what extra says.
func (s *modeStory) apply(t *testing.T) {
	t.Helper()
	if _, err := lab.Apply(t.Context(), acmeManifest(strings.Join(s.extra, ""))); err != nil {
		t.Fatal(err)
	}
}

// made are the Certificates of the namespace, with who made them. No Secret may
// be written by two.
func (s *modeStory) made(ctx context.Context) (map[string]string, error) {
	var all cmv1.CertificateList
	if err := lab.Client.List(ctx, &all, client.InNamespace(acmeGateway.Namespace)); err != nil {
		return nil, err
	}
	made, secrets := map[string]string{}, map[string]string{}
	for _, c := range all.Items {
		if other, doubled := secrets[c.Spec.SecretName]; doubled {
			return nil, fmt.Errorf("Certificates %s and %s both write Secret %s", c.Name, other, c.Spec.SecretName)
		}
		secrets[c.Spec.SecretName] = c.Name
		made[c.Name] = theOperator
		if owner := metav1.GetControllerOf(&c); owner != nil {
			made[c.Name] = theShim
		}
	}
	return made, nil
}

// awaitMade waits until the Certificates are those, made by those.
func (s *modeStory) awaitMade(t *testing.T, want map[string]string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		got, err := s.made(ctx)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("who made which Certificate (-want +got):\n%s", diff)
		}
		return nil
	})
}

func (s *modeStory) shimOn(t *testing.T) {
	s.apply(t)
	leaf := s.awaitIssued(t, acmeCertificate, "")
	s.first = serial(leaf)
	var err error
	if s.address, err = lab.GatewayAddress(t.Context(), acmeGateway); err != nil {
		t.Fatal(err)
	}
	expect(t, s.laptop(t), "https://"+anyHost+"/", http.StatusOK, "Hostname:")
	s.awaitMade(t, map[string]string{acmeCertificate.Name: theShim})
	s.shaken = shakeHands(s.whole, handshakeTarget{address: s.address, host: anyHost, trusted: s.authority.Pool()})
	s.shaken.await(t, s.first)
}

func (s *modeStory) shimOff(t *testing.T) {
	if err := s.authority.SetShim(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	times := newStopwatch("the listener is applied")
	s.extra = []string{tlsListener("second", "*.second.jarrett.net", "")}
	s.apply(t)
	second := types.NamespacedName{Namespace: acmeGateway.Namespace, Name: "second-jarrett-net-tls"}
	s.awaitMade(t, map[string]string{acmeCertificate.Name: theShim, second.Name: theOperator})
	times.note("the operator has made the Certificate")
	s.awaitIssued(t, second, "")
	times.note("it is issued")
	expect(t, s.laptop(t), "https://a.second.jarrett.net/", http.StatusOK, "Hostname:")
	times.note("it is served")
	times.report(t)
	if leaf := s.awaitIssued(t, acmeCertificate, ""); serial(leaf) != s.first {
		t.Error("the shim's Certificate was issued anew")
	}
}

func (s *modeStory) takeover(t *testing.T) {
	s.extra = append(s.extra, tlsListener("more", "*.more.jarrett.net", acmeCertificate.Name))
	s.apply(t)
	s.awaitMade(t, map[string]string{acmeCertificate.Name: theOperator, "second-jarrett-net-tls": theOperator})
	leaf := s.awaitIssued(t, acmeCertificate, s.first)
	names := slices.Sorted(slices.Values(leaf.DNSNames))
	if diff := cmp.Diff([]string{"*.acme.jarrett.net", "*.more.jarrett.net"}, names); diff != "" {
		t.Errorf("names in the certificate (-want +got):\n%s", diff)
	}
	s.first = serial(leaf)
	s.shaken.await(t, s.first)
	expect(t, s.laptop(t), "https://a.more.jarrett.net/", http.StatusOK, "Hostname:")
}

func (s *modeStory) shimOnAgain(t *testing.T) {
	if err := s.authority.SetShim(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	s.extra = append(s.extra, tlsListener("third", "*.third.jarrett.net", ""))
	s.apply(t)
	// That the third is the shim's shows that it has looked at this Gateway.
	s.awaitMade(t, map[string]string{
		acmeCertificate.Name: theOperator, "second-jarrett-net-tls": theOperator, third.Name: theShim,
	})
	s.third = serial(s.awaitIssued(t, third, ""))
	expect(t, s.laptop(t), "https://a.third.jarrett.net/", http.StatusOK, "Hostname:")
	if leaf := s.awaitIssued(t, acmeCertificate, ""); serial(leaf) != s.first {
		t.Error("the operator's Certificate was issued anew")
	}
}

// pendingDNS01 is the sentence of a listener whose name server refuses the
// record.
var pendingDNS01 = regexp.MustCompile(`^Certificate elsewhere-example-tls waits for Order elsewhere-example-tls-1-\d+: ` +
	`DNS-01 challenge for \*\.elsewhere\.example pending: .+`)

func (s *modeStory) noZone(t *testing.T) {
	s.extra = append(s.extra, tlsListener("elsewhere", "*.elsewhere.example", ""))
	s.apply(t)
	eventually(t, func(ctx context.Context) error {
		var g gatewayv1.Gateway
		if err := lab.Client.Get(ctx, acmeGateway, &g); err != nil {
			return err
		}
		for _, l := range g.Status.Listeners {
			programmed, resolved := conditionOf(l.Conditions, "Programmed"), conditionOf(l.Conditions, "ResolvedRefs")
			switch {
			case l.Name != "elsewhere" && programmed.Status != metav1.ConditionTrue:
				return fmt.Errorf("listener %s: %s", l.Name, programmed.Message)
			case l.Name != "elsewhere":
			case programmed.Status != metav1.ConditionFalse || resolved.Reason != "InvalidCertificateRef":
				return fmt.Errorf("listener %s: %+v", l.Name, resolved)
			case !pendingDNS01.MatchString(resolved.Message) || programmed.Message != resolved.Message:
				return fmt.Errorf("listener %s says: %s", l.Name, resolved.Message)
			default:
				t.Logf("listener %s says: %s", l.Name, resolved.Message)
			}
		}
		if len(g.Status.Listeners) < 6 {
			return errors.New("the listener has no status yet")
		}
		return nil
	})
	s.extra = s.extra[:len(s.extra)-1]
	s.apply(t)
	// cert-manager lets go of a challenge when it has taken back the record,
	// which nobody has taken.
	for name := range strings.FieldsSeq(kubectl(t, "get", "challenges", "--namespace", acmeGateway.Namespace, "--output=name")) {
		kubectl(t, "patch", "--namespace", acmeGateway.Namespace, name, "--type=merge", "--patch", `{"metadata": {"finalizers": null}}`)
	}
}

func (s *modeStory) withoutAdmission(t *testing.T) {
	stop(t, "webhook")
	s.extra = append(s.extra, tlsListener("bare", "*.bare.jarrett.net", ""))
	s.apply(t)
	bare := types.NamespacedName{Namespace: acmeGateway.Namespace, Name: "bare-jarrett-net-tls"}
	s.awaitIssued(t, bare, "")
	expect(t, s.laptop(t), "https://a.bare.jarrett.net/", http.StatusOK, "Hostname:")
	var g gatewayv1.Gateway
	fetch(t, acmeGateway.Namespace, acmeGateway.Name, &g)
	for _, l := range g.Spec.Listeners {
		if l.Name == "bare" && l.TLS != nil {
			t.Errorf("someone has named a Secret: %+v", l.TLS)
		}
	}
	// kubectl replaces the list of listeners, so that the Gateway names no Secret
	// any more; the shim then deletes what it made, and the operator has it made
	// again, from the Secret that is still there.
	s.awaitMade(t, map[string]string{
		acmeCertificate.Name: theOperator, "second-jarrett-net-tls": theOperator, "third-jarrett-net-tls": theOperator, bare.Name: theOperator,
	})
	if leaf := s.awaitIssued(t, third, ""); serial(leaf) != s.third {
		t.Error("the third certificate was issued anew")
	}
}

func (s *modeStory) prune(t *testing.T) {
	s.extra = nil
	s.apply(t)
	s.awaitMade(t, map[string]string{acmeCertificate.Name: theOperator})
	expect(t, s.laptop(t), "https://"+anyHost+"/", http.StatusOK, "Hostname:")
	s.shaken.await(t, serial(s.awaitIssued(t, acmeCertificate, s.first)))
}

func conditionOf(all []metav1.Condition, kind string) metav1.Condition {
	for _, c := range all {
		if c.Type == kind {
			return c
		}
	}
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown}
}
