package observer

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// GatewayAPIName is the CRD that speaks for all of the Gateway API's: they are
// installed together.
const GatewayAPIName = "httproutes.gateway.networking.k8s.io"

// GatewayAPIMetadata is how that CRD is watched: its annotations say which
// version it is of.
func GatewayAPIMetadata() *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	return o
}

func isGatewayAPI(o *metav1.PartialObjectMetadata) bool {
	return o.Name == GatewayAPIName && o.Namespace == ""
}

// gatewayAPI returns which CRDs of the Gateway API there are; nil where that
// cannot be seen.
func (o *Observer) gatewayAPI(ctx context.Context) (*snapshot.GatewayAPI, error) {
	crd := GatewayAPIMetadata()
	err := o.cached.Get(ctx, client.ObjectKey{Name: GatewayAPIName}, crd)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the version of the Gateway API: %w", err)
	}
	return &snapshot.GatewayAPI{
		Version: crd.Annotations[consts.BundleVersionAnnotation],
		Channel: crd.Annotations[consts.ChannelAnnotation],
	}, nil
}
