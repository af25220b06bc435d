package infra

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
)

// The labels of all owned objects, besides v1alpha1.LabelGateway, and their
// values. By them the operator finds its own among all objects.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelManagedBy = "app.kubernetes.io/managed-by"

	AppName   = "gatewright-nginx"
	ManagedBy = "gatewright"
)

// NamePrefix is what the names of all owned objects begin with.
const NamePrefix = "gatewright-"

// maxName is the longest name of a Service (a DNS label) and value of a label.
const maxName = 63

// Name is the name of a Gateway's Deployment, Service and ServiceAccount. Its
// prefix keeps it apart from what users have in the Gateway's namespace, and
// makes it begin with a letter, as the name of a Service must.
func Name(gateway types.NamespacedName) string {
	return label(NamePrefix+strings.ReplaceAll(gateway.Name, ".", "-"), gateway.Name, strings.Contains(gateway.Name, "."))
}

// IdentitySecretName is the name of the Secret with the TLS identity of a
// Gateway's pods.
func IdentitySecretName(gateway types.NamespacedName) string { return Name(gateway) + "-identity" }

// BundleSecretName is the name of the Secret with the last good bundle.
func BundleSecretName(gateway types.NamespacedName) string { return Name(gateway) + bundleSuffix }

// IsBundleSecretName says whether the name can be one of BundleSecretName's.
func IsBundleSecretName(name string) bool {
	return strings.HasPrefix(name, NamePrefix) && strings.HasSuffix(name, bundleSuffix)
}

const bundleSuffix = "-bundle"

// PodLabels select the pods of a Gateway within its namespace.
func PodLabels(gateway types.NamespacedName) map[string]string {
	return map[string]string{
		LabelName:             AppName,
		LabelManagedBy:        ManagedBy,
		v1alpha1.LabelGateway: label(gateway.Name, gateway.Name, false),
	}
}

// label cuts a name to what a label holds, with a hash of what it stands for if
// it has to, or if the name could stand for something else.
func label(name, of string, ambiguous bool) string {
	if len(name) <= maxName && !ambiguous {
		return name
	}
	sum := sha256.Sum256([]byte(of))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(name[:min(len(name), maxName-len(suffix))], "-._") + suffix
}

// labelsOf are the labels of a Gateway's objects: those asked for in
// spec.infrastructure, and ours, which win.
func labelsOf(g *graph.Gateway) map[string]string {
	labels := map[string]string{}
	if i := g.Source.Spec.Infrastructure; i != nil {
		for key, value := range i.Labels {
			labels[string(key)] = string(value)
		}
	}
	maps.Copy(labels, PodLabels(g.Key()))
	return labels
}

// annotationsOf are the annotations asked for in spec.infrastructure.
func annotationsOf(g *graph.Gateway) map[string]string {
	annotations := map[string]string{}
	if i := g.Source.Spec.Infrastructure; i != nil {
		for key, value := range i.Annotations {
			annotations[string(key)] = string(value)
		}
	}
	return annotations
}
