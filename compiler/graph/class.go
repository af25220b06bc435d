package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// class is a GatewayClass of ours with its configuration.
type class struct {
	*Class
	config *v1alpha1.GatewayConfig
}

// readClasses finds the GatewayClasses that name our controller.
func (b *builder) readClasses() {
	b.classes = map[string]*class{}
	for _, source := range b.s.GatewayClasses.All() {
		if source.Spec.ControllerName != v1alpha1.ControllerName {
			continue
		}
		c := &class{Class: &Class{Source: source}}
		c.SupportedVersion = supportedVersion(b.s.GatewayAPI)
		c.Experimental = b.s.GatewayAPI != nil && b.s.GatewayAPI.Channel == experimentalChannel
		b.acceptClass(c)
		b.classes[source.Name] = c
		b.g.Classes = append(b.g.Classes, c.Class)
	}
}

const experimentalChannel = "experimental"

// knownVersions of the Gateway API are those whose fields are all known here.
var knownVersions = []string{"v1.6", "v1.7"}

// supportedVersion judges the CRDs that are installed. With others Gatewright
// does what it can (Gateway API, GatewayClassConditionStatusSupportedVersion).
func supportedVersion(installed *snapshot.GatewayAPI) Verdict {
	if installed == nil || slices.ContainsFunc(knownVersions, func(known string) bool {
		return strings.HasPrefix(installed.Version, known+".")
	}) {
		return yes(string(gatewayv1.GatewayClassReasonSupportedVersion),
			"The installed Gateway API CRDs are of a supported version")
	}
	return no(string(gatewayv1.GatewayClassReasonUnsupportedVersion), fmt.Sprintf(
		"The installed Gateway API CRDs are of version %s; Gatewright knows %s, and does with others what it can",
		cmp.Or(installed.Version, "unknown"), strings.Join(knownVersions, " and ")))
}

// acceptClass resolves the class's parametersRef.
func (b *builder) acceptClass(c *class) {
	c.Accepted = yes(string(gatewayv1.GatewayClassReasonAccepted), "Gateways of this class are served by Gatewright")
	ref := c.Source.Spec.ParametersRef
	if ref == nil {
		return
	}
	key := types.NamespacedName{Name: ref.Name}
	fault := "GatewayConfig has a namespace: write spec.parametersRef.namespace"
	if ref.Namespace != nil && *ref.Namespace != "" {
		key.Namespace = string(*ref.Namespace)
		fault, c.config = b.parametersFault(string(ref.Group), string(ref.Kind), key)
	}
	if fault == "" {
		return
	}
	finding := diagnostic.InvalidParameters.At("spec.parametersRef", fault, "")
	c.Accepted = no(finding.Reason, finding.String())
	b.report("GatewayClass", c.Source, finding)
}
