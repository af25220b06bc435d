package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/gatewright/gatewright/compiler/judgement"
)

// +kubebuilder:webhook:path=/validate--v1-secret,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=1,groups="",resources=secrets,verbs=delete,versions=v1,name=secret.validate.gatewright.dev,admissionReviewVersions=v1,patch=`{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system"]}]},"matchConditions":[{"name":"people","expression":"!request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"},{"name":"certificates","expression":"oldObject.type == 'kubernetes.io/tls'"}]}`

// The validator of Secrets refuses nothing. It warns of
//   - listeners whose certificate is in a Secret that is deleted.
//
// The API server sends the deleted Secret along, as it has no way not to. Only
// the metadata are decoded; the rest goes with the request, unread. Deletions of
// Secrets of type kubernetes.io/tls are all that is sent, and the chart's value
// webhook.servicesAndSecrets turns it off.
const secretValidatePath = "/validate--v1-secret"

// secretValidator judges deletions of Secrets by their names.
type secretValidator struct{ observe observe }

// Handle implements admission.Handler.
func (v secretValidator) Handle(ctx context.Context, request admission.Request) admission.Response {
	if request.Operation != admissionv1.Delete {
		return admission.Allowed("")
	}
	var deleted metav1.PartialObjectMetadata
	if err := json.Unmarshal(request.OldObject.Raw, &deleted); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("decoding the metadata of a Secret: %w", err))
	}
	s, err := v.observe(ctx)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("reading the cluster: %w", err))
	}
	j := judgement.Of(judgement.Change{Kind: "Secret", Old: &deleted}, s)
	return admission.Allowed("").WithWarnings(warningsOf(j)...)
}
