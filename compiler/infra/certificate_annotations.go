package infra

import (
	"strconv"
	"strings"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// applyAnnotations reads from a Gateway what cert-manager's gateway-shim reads
// from it (https://cert-manager.io/docs/usage/gateway/#supported-annotations),
// but for those about the subject, which ACME servers ignore. What cannot be
// read counts as left out.
func applyAnnotations(spec *cmv1.CertificateSpec, annotations map[string]string) {
	spec.CommonName = annotations[cmv1.CommonNameAnnotationKey]
	spec.IPAddresses = list(annotations[cmv1.IPSANAnnotationKey])
	spec.Duration = duration(annotations[cmv1.DurationAnnotationKey])
	spec.RenewBefore = duration(annotations[cmv1.RenewBeforeAnnotationKey])
	spec.RenewBeforePercentage = number(annotations[cmv1.RenewBeforePercentageAnnotationKey])
	spec.RevisionHistoryLimit = number(annotations[cmv1.RevisionHistoryLimitAnnotationKey])
	if usages := list(annotations[cmv1.UsagesAnnotationKey]); len(usages) > 0 {
		spec.Usages = nil
		for _, u := range usages {
			spec.Usages = append(spec.Usages, cmv1.KeyUsage(u))
		}
	}
	key := cmv1.CertificatePrivateKey{
		Algorithm:      cmv1.PrivateKeyAlgorithm(annotations[cmv1.PrivateKeyAlgorithmAnnotationKey]),
		Encoding:       cmv1.PrivateKeyEncoding(annotations[cmv1.PrivateKeyEncodingAnnotationKey]),
		RotationPolicy: cmv1.PrivateKeyRotationPolicy(annotations[cmv1.PrivateKeyRotationPolicyAnnotationKey]),
	}
	if size := number(annotations[cmv1.PrivateKeySizeAnnotationKey]); size != nil {
		key.Size = int(*size)
	}
	if key != (cmv1.CertificatePrivateKey{}) {
		spec.PrivateKey = &key
	}
}

func list(commaSeparated string) []string {
	var out []string
	for item := range strings.SplitSeq(commaSeparated, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func duration(text string) *metav1.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil
	}
	return &metav1.Duration{Duration: d}
}

func number(text string) *int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil
	}
	return new(int32(n))
}
