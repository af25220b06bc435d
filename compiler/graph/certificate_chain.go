package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// chain says in one sentence what a Secret waits for, from the Certificate to
// the last thing that cert-manager names; empty where cert-manager has nothing
// to do with it.
func (b *builder) chain(secret types.NamespacedName) string {
	certificate, issuance := b.issuances.certificates[secret], b.issuances.bySecret[secret]
	switch {
	case certificate != nil:
		return "Certificate " + certificate.Name + " " + b.progress(certificate)
	case issuance != nil:
		return "Certificate " + secret.Name + " " + b.beginning(issuance)
	}
	return ""
}

// beginning is for a Certificate that is not there yet.
func (b *builder) beginning(i *Issuance) string {
	if fault := b.issuerFault(i.request()); fault != nil {
		return "cannot be issued: " + fault.message
	}
	switch i.Maker {
	case MadeByShim:
		return "is to be made by cert-manager's gateway-shim, and by Gatewright if that does not run"
	case MadeElsewhere:
		if c, ok := b.s.Certificates.Get(i.Key.Namespace, i.Key.Name); ok {
			return fmt.Sprintf("is somebody else's, and for Secret %s: rename it, or name that Secret in the listener", c.Spec.SecretName)
		}
	}
	return "is about to be made by Gatewright"
}

// progress is how far cert-manager has come with a Certificate.
func (b *builder) progress(c *cmv1.Certificate) string {
	if fault := b.issuerFault(request{c.Spec.IssuerRef, c.Namespace, c.Spec.DNSNames, c.Labels}); fault != nil {
		return "cannot be issued: " + fault.message
	}
	if request := b.newestRequest(c); request != nil {
		return b.requestProgress(c, request)
	}
	issuing := conditionOf(c.Status.Conditions, cmv1.CertificateConditionIssuing)
	switch {
	case issuing != nil && issuing.Status == cmmetav1.ConditionFalse && issuing.Message != "":
		return "failed, and cert-manager will try again: " + stable(issuing.Message)
	case len(c.Status.Conditions) == 0:
		return "waits for cert-manager: does it run?"
	}
	if ready := conditionOf(c.Status.Conditions, cmv1.CertificateConditionReady); ready != nil && ready.Message != "" {
		return "waits for cert-manager: " + stable(ready.Message)
	}
	return "waits for cert-manager"
}

// newestRequest is the CertificateRequest that cert-manager works at; nil where
// there is none, or where it belongs to what has been issued already.
func (b *builder) newestRequest(c *cmv1.Certificate) *cmv1.CertificateRequest {
	var newest *cmv1.CertificateRequest
	for _, r := range b.s.CertificateRequests.InNamespace(c.Namespace) {
		if owner := metav1.GetControllerOf(r); owner == nil || owner.UID != c.UID || owner.Name != c.Name {
			continue
		}
		if newest == nil || revision(r) > revision(newest) {
			newest = r
		}
	}
	return newest
}

func revision(r *cmv1.CertificateRequest) int {
	n, err := strconv.Atoi(r.Annotations[cmv1.CertificateRequestRevisionAnnotationKey])
	if err != nil {
		return 0
	}
	return n
}

func (b *builder) requestProgress(c *cmv1.Certificate, r *cmv1.CertificateRequest) string {
	if denied := requestCondition(r, cmv1.CertificateRequestConditionDenied); isTrue(denied) {
		return fmt.Sprintf("failed, as CertificateRequest %s was denied: %s", r.Name, stable(denied.Message))
	}
	if order := b.orderOf(r); order != nil && order.Status.State != acmev1.Valid {
		return b.orderProgress(c, order)
	}
	if invalid := requestCondition(r, cmv1.CertificateRequestConditionInvalidRequest); isTrue(invalid) {
		return fmt.Sprintf("failed, as CertificateRequest %s is invalid: %s", r.Name, stable(invalid.Message))
	}
	ready := requestCondition(r, cmv1.CertificateRequestConditionReady)
	switch {
	case ready != nil && ready.Reason == cmv1.CertificateRequestReasonFailed:
		return fmt.Sprintf("failed at CertificateRequest %s: %s", r.Name, stable(ready.Message))
	case isTrue(ready):
		return "is issued, and about to be written to its Secret"
	case !isTrue(requestCondition(r, cmv1.CertificateRequestConditionApproved)):
		return fmt.Sprintf("waits for CertificateRequest %s, which nobody has approved yet", r.Name)
	case ready != nil && ready.Message != "":
		return fmt.Sprintf("waits for CertificateRequest %s: %s", r.Name, stable(ready.Message))
	}
	return "waits for CertificateRequest " + r.Name
}

func (b *builder) orderOf(r *cmv1.CertificateRequest) *acmev1.Order {
	for _, o := range b.s.Orders.InNamespace(r.Namespace) {
		if owner := metav1.GetControllerOf(o); owner != nil && owner.UID == r.UID && owner.Name == r.Name {
			return o
		}
	}
	return nil
}

func (b *builder) orderProgress(c *cmv1.Certificate, o *acmev1.Order) string {
	challenge := b.challengeOf(o)
	failed := isFailure(o.Status.State)
	switch {
	case challenge != nil && failed:
		return fmt.Sprintf("failed at Order %s: %s", o.Name, b.challengeProgress(c, challenge))
	case failed:
		return fmt.Sprintf("failed at Order %s, which is %s: %s", o.Name, o.Status.State, cmp.Or(stable(o.Status.Reason), "no reason given"))
	case challenge != nil:
		return fmt.Sprintf("waits for Order %s: %s", o.Name, b.challengeProgress(c, challenge))
	case o.Status.Reason != "":
		return fmt.Sprintf("waits for Order %s: %s", o.Name, stable(o.Status.Reason))
	}
	return fmt.Sprintf("waits for Order %s, which is %s", o.Name, cmp.Or(o.Status.State, acmev1.Pending))
}

// challengeOf is the challenge to tell of: a failed one, or one that says what
// is wrong, or any that is not done.
func (b *builder) challengeOf(o *acmev1.Order) *acmev1.Challenge {
	var open []*acmev1.Challenge
	for _, c := range b.s.Challenges.InNamespace(o.Namespace) {
		if owner := metav1.GetControllerOf(c); owner != nil && owner.UID == o.UID && owner.Name == o.Name && c.Status.State != acmev1.Valid {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return slices.MinFunc(open, func(x, y *acmev1.Challenge) int {
		return cmp.Or(cmp.Compare(silence(x), silence(y)), strings.Compare(challengeName(x), challengeName(y)))
	})
}

// silence is how little a challenge says.
func silence(c *acmev1.Challenge) int {
	switch {
	case isFailure(c.Status.State):
		return 0
	case c.Status.Reason != "":
		return 1
	}
	return 2
}

func isFailure(s acmev1.State) bool {
	return s == acmev1.Invalid || s == acmev1.Expired || s == acmev1.Errored
}

func (b *builder) challengeProgress(c *cmv1.Certificate, challenge *acmev1.Challenge) string {
	text := fmt.Sprintf("%s challenge for %s %s", challenge.Spec.Type, challengeName(challenge), cmp.Or(challenge.Status.State, acmev1.Pending))
	if reason := stable(challenge.Status.Reason); reason != "" {
		text += ": " + reason
	}
	if challenge.Spec.Type == acmev1.ACMEChallengeTypeHTTP01 && b.lacksPort80(c) {
		text += "; the ACME server asks at port 80, where the Gateway has no listener of protocol HTTP"
	}
	return text
}

func challengeName(c *acmev1.Challenge) string {
	if c.Spec.Wildcard {
		return "*." + c.Spec.DNSName
	}
	return c.Spec.DNSName
}

// lacksPort80 says that an HTTP-01 challenge can reach none of the Gateways and
// ListenerSets that the Certificate is for (RFC 8555, section 8.3).
func (b *builder) lacksPort80(c *cmv1.Certificate) bool {
	i := b.issuances.bySecret[types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.SecretName}]
	return i != nil && !slices.ContainsFunc(i.Owners, func(o ListenerOwner) bool {
		return slices.ContainsFunc(slices.Concat(o.Gateway.Spec.Listeners, o.Listeners), func(l gatewayv1.Listener) bool {
			return l.Port == 80 && l.Protocol == gatewayv1.HTTPProtocolType
		})
	})
}

// renewal tells that a Secret serves and will not for long: its Certificate is
// not in order, or an attempt to renew it has failed.
func (b *builder) renewal(secret types.NamespacedName) *diagnostic.Diagnostic {
	c := b.issuances.certificates[secret]
	if c == nil || b.s.SecretsUnknown {
		return nil
	}
	ready := conditionOf(c.Status.Conditions, cmv1.CertificateConditionReady)
	unready := ready != nil && ready.Status == cmmetav1.ConditionFalse
	if !unready && c.Status.FailedIssuanceAttempts == nil {
		return nil
	}
	state := "serves until it expires"
	if unready && ready.Reason == certificateExpired {
		state = "has expired"
	}
	return new(diagnostic.CertificateRenewal.At("", fmt.Sprintf("Certificate %s %s; the one in Secret %s %s",
		c.Name, b.progress(c), secret.Name, state), fmt.Sprintf("kubectl -n %s describe certificate %s", c.Namespace, c.Name)))
}

// certificateExpired is cert-manager's reason of Ready=False for a certificate
// that is past its time.
const certificateExpired = "Expired"

// withRenewals adds renewals that fail to what is said of a listener that serves.
func withRenewals(message string, remarks []diagnostic.Diagnostic) string {
	for _, r := range remarks {
		if r.Check == diagnostic.CertificateRenewal.ID {
			message += "; " + r.Message
		}
	}
	return message
}

// withoutChainFields leaves of what cert-manager is waited for the sentence
// alone: in the listener's own condition it needs no field, and the whole chain
// is in it.
func withoutChainFields(problems []diagnostic.Diagnostic) []diagnostic.Diagnostic {
	out := slices.Clone(problems)
	for i := range out {
		if out[i].Check == diagnostic.CertificatePending.ID {
			out[i].Field, out[i].Fix = "", ""
		}
	}
	return out
}

func conditionOf(all []cmv1.CertificateCondition, kind cmv1.CertificateConditionType) *cmv1.CertificateCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

func requestCondition(r *cmv1.CertificateRequest, kind cmv1.CertificateRequestConditionType) *cmv1.CertificateRequestCondition {
	for i := range r.Status.Conditions {
		if r.Status.Conditions[i].Type == kind {
			return &r.Status.Conditions[i]
		}
	}
	return nil
}

func isTrue(c *cmv1.CertificateRequestCondition) bool {
	return c != nil && c.Status == cmmetav1.ConditionTrue
}
