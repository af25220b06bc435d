package infra

import (
	"cmp"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
)

const (
	containerName = "nginx"
	// program is where the image has the agent; written out, so that it does
	// not matter what the image runs by default.
	program = "/usr/bin/gatewright-agent"
	// graceVariable tells the agent how long it may take to stop at the most; the
	// bundle tells it how long it is to take. The margin is for the kubelet not to
	// be faster.
	graceVariable = "GATEWRIGHT_GRACE_SECONDS"
	graceMargin   = 5 * time.Second
	// secretMode lets the agent's user read Secrets, and nobody write them.
	secretMode int32 = 0o444
)

// deployment runs the Gateway's nginx. Nothing in its pods' template follows
// from listeners, routes or policies, as a change there would replace the pods and cut
// their connections.
func deployment(g *graph.Gateway, o Options) *appsv1.Deployment {
	replicas, one, none := g.Config.Replicas, intstr.FromInt32(1), intstr.FromInt32(0)
	revisions := int32(2)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: meta(g),
		Spec: appsv1.DeploymentSpec{
			Replicas:             &replicas,
			RevisionHistoryLimit: &revisions,
			Selector:             &metav1.LabelSelector{MatchLabels: PodLabels(g.Key())},
			// The new pod serves before the old one leaves.
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &one, MaxUnavailable: &none},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labelsOf(g), Annotations: annotationsOf(g)},
				Spec:       podSpec(g, o),
			},
		},
	}
}

func podSpec(g *graph.Gateway, o Options) corev1.PodSpec {
	yes, no := true, false
	grace := int64(g.Config.PodGracePeriod / time.Second)
	return corev1.PodSpec{
		ServiceAccountName:            Name(g.Key()),
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &grace,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   &yes,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			// nginx listens on the listeners' own ports without a capability;
			// the sysctl holds in the pod's network alone.
			Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}},
		},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew:           1,
			TopologyKey:       corev1.LabelHostname,
			WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector:     &metav1.LabelSelector{MatchLabels: PodLabels(g.Key())},
		}},
		Containers: []corev1.Container{container(g, o)},
		Volumes:    volumes(g),
	}
}

func container(g *graph.Gateway, o Options) corev1.Container {
	yes, no := true, false
	grace := (g.Config.PodGracePeriod - graceMargin) / time.Second
	return corev1.Container{
		Name:            containerName,
		Image:           o.Image,
		ImagePullPolicy: corev1.PullPolicy(cmp.Or(o.ImagePullPolicy, string(corev1.PullIfNotPresent))),
		Command:         []string{program},
		Env:             []corev1.EnvVar{{Name: graceVariable, Value: strconv.FormatInt(int64(grace), 10)}},
		Ports: []corev1.ContainerPort{
			{Name: "control", ContainerPort: bundle.ControlPort, Protocol: corev1.ProtocolTCP},
			{Name: "health", ContainerPort: bundle.HealthPort, Protocol: corev1.ProtocolTCP},
		},
		ReadinessProbe: probe("/readyz", 2, 2),
		LivenessProbe:  probe("/livez", 10, 6),
		Resources:      *g.Config.Spec.Resources.DeepCopy(),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no,
			ReadOnlyRootFilesystem:   &yes,
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "run", MountPath: bundle.RunDir},
			{Name: "identity", MountPath: bundle.IdentityDir, ReadOnly: true},
			{Name: "bundle", MountPath: bundle.StoredDir, ReadOnly: true},
		},
	}
}

func probe(path string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromInt32(bundle.HealthPort), Scheme: corev1.URISchemeHTTP,
		}},
		PeriodSeconds: period, FailureThreshold: failures, SuccessThreshold: 1, TimeoutSeconds: 2,
	}
}

// volumes are what the pod holds: a writable directory that is gone with it, its
// own identity, and the last good bundle if there is one yet.
func volumes(g *graph.Gateway) []corev1.Volume {
	yes, mode := true, secretMode
	secret := func(name string, optional *bool) corev1.VolumeSource {
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: name, DefaultMode: &mode, Optional: optional,
		}}
	}
	return []corev1.Volume{
		{Name: "run", VolumeSource: corev1.VolumeSource{
			EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory},
		}},
		{Name: "identity", VolumeSource: secret(IdentitySecretName(g.Key()), nil)},
		{Name: "bundle", VolumeSource: secret(BundleSecretName(g.Key()), &yes)},
	}
}
