package graph_test

import (
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

const issuing = `
kind: Gateway
metadata: {namespace: infra, name: g, uid: gateway, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: a, port: 443, protocol: HTTPS, hostname: '*.example.net', tls: {certificateRefs: [{name: example-net-tls}]}}
  - {name: b, port: 443, protocol: HTTPS, hostname: example.net, tls: {certificateRefs: [{name: example-net-tls}]}}`

var issued = types.NamespacedName{Namespace: "infra", Name: "example-net-tls"}

// certificate is one for the names, as the shim would make it but for what edit
// changes.
func certificate(edit func(*cmv1.Certificate), names ...string) *cmv1.Certificate {
	yes := true
	c := &cmv1.Certificate{ObjectMeta: metav1.ObjectMeta{
		Namespace: issued.Namespace, Name: issued.Name,
		OwnerReferences: []metav1.OwnerReference{{Kind: "Gateway", Name: "g", UID: "gateway", Controller: &yes}},
	}}
	c.Spec.SecretName, c.Spec.DNSNames = issued.Name, names
	c.Spec.IssuerRef = cmmetav1.IssuerReference{Kind: "ClusterIssuer", Name: "letsencrypt"}
	if edit != nil {
		edit(c)
	}
	return c
}

func TestWhoMakesTheCertificate(t *testing.T) {
	t.Parallel()
	both := []string{"*.example.net", "example.net"}
	uncontrolled := func(c *cmv1.Certificate) { c.OwnerReferences = nil }
	ours := func(c *cmv1.Certificate) {
		c.OwnerReferences, c.Labels = nil, map[string]string{v1alpha1.LabelGenerated: "true"}
	}
	usersSecret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: issued.Namespace, Name: issued.Name}}
	itsSecret := usersSecret.DeepCopy()
	itsSecret.Annotations = map[string]string{cmv1.CertificateNameKey: issued.Name}
	tests := map[string]struct {
		gateway string
		there   []metav1.Object
		overdue bool
		maker   graph.Maker
		awaited bool
	}{
		"the shim, where there is none yet":                {maker: graph.MadeByShim, awaited: true},
		"the operator, if the shim does not":               {overdue: true, maker: graph.MadeHere},
		"the shim, whose own is right":                     {there: []metav1.Object{certificate(nil, both...)}, maker: graph.MadeByShim},
		"the shim, whose own is right, however long":       {there: []metav1.Object{certificate(nil, both...)}, overdue: true, maker: graph.MadeByShim},
		"the shim, which is to add a name":                 {there: []metav1.Object{certificate(nil, both[0])}, maker: graph.MadeByShim, awaited: true},
		"the operator, if the shim does not add it":        {there: []metav1.Object{certificate(nil, both[0])}, overdue: true, maker: graph.MadeHere},
		"the shim, which is to take a name away":           {there: []metav1.Object{certificate(nil, append(both, "old.example.net")...)}, maker: graph.MadeByShim, awaited: true},
		"the shim, which is to change the issuer":          {there: []metav1.Object{certificate(func(c *cmv1.Certificate) { c.Spec.IssuerRef.Name = "old" }, both...)}, maker: graph.MadeByShim, awaited: true},
		"the operator, which made it before":               {there: []metav1.Object{certificate(ours, both[0])}, maker: graph.MadeHere},
		"a user, who made it":                              {there: []metav1.Object{certificate(uncontrolled, both[0])}, overdue: true, maker: graph.MadeElsewhere},
		"a user, who made another for the Secret":          {there: []metav1.Object{certificate(func(c *cmv1.Certificate) { c.Name = "other" }, both...)}, overdue: true, maker: graph.MadeElsewhere},
		"nobody, where a user made the Secret":             {there: []metav1.Object{usersSecret}, overdue: true, maker: graph.MadeElsewhere},
		"the operator, where the Secret outlived it":       {there: []metav1.Object{itsSecret}, overdue: true, maker: graph.MadeHere},
		"the shim, as if admission had named the Secret":   {gateway: strings.Replace(issuing, ", tls: {certificateRefs: [{name: example-net-tls}]}", "", 1), maker: graph.MadeByShim, awaited: true},
		"the operator, where the shim is to skip listener": {gateway: strings.Replace(issuing, "annotations: {", "annotations: {cert-manager.io/ignore-tls-listeners: 'x, b', ", 1), maker: graph.MadeHere},
		"the shim, for names that an annotation adds": {
			gateway: strings.Replace(issuing, "annotations: {", "annotations: {cert-manager.io/alt-names: 'more.example.net', ", 1),
			there:   []metav1.Object{certificate(nil, append(both, "more.example.net")...)}, maker: graph.MadeByShim,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.gateway == "" {
				test.gateway = issuing
			}
			s := snapshotOf(append(append(objects(t, base), objects(t, test.gateway)...), test.there...)...)
			if test.overdue {
				s.OverdueCertificates = map[types.NamespacedName]bool{issued: true}
			}
			g := graph.Build(s)
			if len(g.Issuances) != 1 || g.Issuances[0].Key != issued {
				t.Fatalf("issuances: %+v", g.Issuances)
			}
			i := g.Issuances[0]
			if i.Maker != test.maker || i.Awaited != test.awaited {
				t.Errorf("maker %v, awaited %v, want %v and %v", i.Maker, i.Awaited, test.maker, test.awaited)
			}
			if strings.Join(i.DNSNames, " ") != strings.Join(both, " ") {
				t.Errorf("names %v, want %v", i.DNSNames, both)
			}
		})
	}
}

func TestTheSentenceSaysHowFarCertManagerHasCome(t *testing.T) {
	t.Parallel()
	s := snapshotOf(append(objects(t, base), objects(t, issuing)...)...)
	issuer := &cmv1.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "letsencrypt"}}
	pending := certificate(func(c *cmv1.Certificate) { c.UID = "certificate" }, "*.example.net", "example.net")
	yes := true
	request := func(conditions ...cmv1.CertificateRequestCondition) metav1.Object {
		return &cmv1.CertificateRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "example-net-tls-1", OwnerReferences: []metav1.OwnerReference{{
				Kind: "Certificate", Name: pending.Name, UID: pending.UID, Controller: &yes,
			}}},
			Status: cmv1.CertificateRequestStatus{Conditions: conditions},
		}
	}
	approved := cmv1.CertificateRequestCondition{Type: cmv1.CertificateRequestConditionApproved, Status: cmmetav1.ConditionTrue}
	ready := func(status cmmetav1.ConditionStatus, reason, message string) cmv1.CertificateRequestCondition {
		return cmv1.CertificateRequestCondition{Type: cmv1.CertificateRequestConditionReady, Status: status, Reason: reason, Message: message}
	}
	without := s
	without.NoCertManager = true
	overdue := s.With(issuer)
	overdue.OverdueCertificates = map[types.NamespacedName]bool{issued: true}
	somebodys := certificate(func(c *cmv1.Certificate) { c.Spec.SecretName, c.OwnerReferences = "else", nil })
	there := s.With(issuer).With(pending)
	tests := map[string]struct {
		s    snapshot.Snapshot
		want string
	}{
		"no cert-manager":       {without, "cannot be issued: ClusterIssuer letsencrypt is not there, as cert-manager is not installed"},
		"no issuer":             {s, "cannot be issued: ClusterIssuer letsencrypt does not exist"},
		"no Certificate yet":    {s.With(issuer), "is to be made by cert-manager's gateway-shim, and by Gatewright if that does not run"},
		"the operator's turn":   {overdue, "is about to be made by Gatewright"},
		"somebody else's":       {s.With(issuer).With(somebodys), "is somebody else's, and for Secret else: rename it, or name that Secret in the listener"},
		"cert-manager is down":  {there, "waits for cert-manager: does it run?"},
		"an unapproved request": {there.With(request()), "waits for CertificateRequest example-net-tls-1, which nobody has approved yet"},
		"an approved request":   {there.With(request(approved)), "waits for CertificateRequest example-net-tls-1"},
		"a request in progress": {there.With(request(approved, ready(cmmetav1.ConditionFalse, "Pending", "Vault is sealed"))), "waits for CertificateRequest example-net-tls-1: Vault is sealed"},
		"a failed request":      {there.With(request(approved, ready(cmmetav1.ConditionFalse, "Failed", "no such role"))), "failed at CertificateRequest example-net-tls-1: no such role"},
		"an issued request":     {there.With(request(approved, ready(cmmetav1.ConditionTrue, "Issued", ""))), "is issued, and about to be written to its Secret"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, want := listener(t, graph.Build(test.s), "a").ResolvedRefs.Message, "Certificate example-net-tls "+test.want; got != want {
				t.Errorf("it says: %s\n   want: %s", got, want)
			}
		})
	}
}
