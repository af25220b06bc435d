package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/test/homelab"
)

// CertificateKind is cert-manager's Certificate.
var CertificateKind = schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}

// Certificate reads a Certificate of cert-manager.
func (a *Authority) Certificate(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error) {
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(CertificateKind)
	if err := a.lab.Client.Get(ctx, key, certificate); err != nil {
		return nil, err
	}
	return certificate, nil
}

// Issued returns what is issued for a Certificate, whose Secret has the same
// name, or tells why nothing valid is.
func (a *Authority) Issued(ctx context.Context, key types.NamespacedName) (*x509.Certificate, error) {
	certificate, err := a.Certificate(ctx, key)
	if err != nil {
		return nil, err
	}
	conditions, err := conditionsOf(certificate)
	if err != nil {
		return nil, err
	}
	if err := homelab.IsTrue(conditions, "Ready", certificate.GetGeneration()); err != nil {
		return nil, fmt.Errorf("Certificate %s: %w", key, err)
	}
	var secret corev1.Secret
	if err := a.lab.Client.Get(ctx, key, &secret); err != nil {
		return nil, err
	}
	// The leaf comes first (RFC 8446, section 4.4.2).
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return nil, fmt.Errorf("there is no certificate in Secret %s", key)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the certificate in Secret %s: %w", key, err)
	}
	return leaf, nil
}

// Renew has cert-manager issue a Certificate anew, as `cmctl renew` does.
func (a *Authority) Renew(ctx context.Context, key types.NamespacedName) error {
	certificate, err := a.Certificate(ctx, key)
	if err != nil {
		return fmt.Errorf("renew Certificate %s: %w", key, err)
	}
	conditions, found, err := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	if err != nil || !found {
		return fmt.Errorf("renew Certificate %s: it has no conditions yet: %w", key, err)
	}
	conditions = append(conditions, map[string]any{
		"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
		"message":            "Certificate re-issuance manually triggered",
		"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		"observedGeneration": certificate.GetGeneration(),
	})
	if err := unstructured.SetNestedSlice(certificate.Object, conditions, "status", "conditions"); err != nil {
		return fmt.Errorf("renew Certificate %s: %w", key, err)
	}
	if err := a.lab.Client.Status().Update(ctx, certificate); err != nil {
		return fmt.Errorf("renew Certificate %s: %w", key, err)
	}
	return nil
}

func conditionsOf(certificate *unstructured.Unstructured) ([]metav1.Condition, error) {
	var read struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(certificate.Object, &read); err != nil {
		return nil, fmt.Errorf("read the conditions of Certificate %s: %w", certificate.GetName(), err)
	}
	return read.Status.Conditions, nil
}
