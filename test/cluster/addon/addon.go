package addon

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/test/cluster/topology"
)

//go:embed manifests
var files embed.FS

var manifests = template.Must(template.ParseFS(files, "manifests/*"))

// CoreDNS returns the manifest of the cluster's name server.
func CoreDNS() ([]byte, error) { return render("coredns.yaml") }

// Pool returns the addresses that MetalLB may give out, and the order to
// announce them by ARP on the LAN.
func Pool() ([]byte, error) { return render("pool.yaml") }

func render(name string) ([]byte, error) {
	var out bytes.Buffer
	err := manifests.ExecuteTemplate(&out, name, map[string]string{
		"ClusterDNS": topology.ClusterDNS,
		"PoolFirst":  topology.PoolFirst,
		"PoolLast":   topology.PoolLast,
		"LANBridge":  topology.LANBridge,
	})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// MetalLB turns MetalLB's released manifest (config/manifests/metallb-native.yaml
// in its module) into one for the embedded cluster. image gives the reference
// that replaces a component's own ("controller", "speaker").
//
// MetalLB's validating webhook is left out: it judges only MetalLB's own
// configuration, which is constant here, and it is not ready for seconds.
func MetalLB(released []byte, image func(component string) string) ([]byte, error) {
	var out bytes.Buffer
	for document := range bytes.SplitSeq(released, []byte("\n---\n")) {
		var object map[string]any
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, fmt.Errorf("read MetalLB's manifest: %w", err)
		}
		switch object["kind"] {
		case "ValidatingWebhookConfiguration":
			continue
		case "Deployment", "DaemonSet":
			if err := adaptWorkload(object, image); err != nil {
				return nil, fmt.Errorf("adapt MetalLB's %s: %w", object["kind"], err)
			}
		}
		adapted, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("write MetalLB's manifest: %w", err)
		}
		out.Write(adapted)
		out.WriteString("---\n")
	}
	return out.Bytes(), nil
}

// adaptWorkload sets image, start command and quick probes.
func adaptWorkload(workload map[string]any, image func(string) string) error {
	name, _ := at(workload, "metadata", "name").(string)
	containers, _ := at(workload, "spec", "template", "spec", "containers").([]any)
	if len(containers) != 1 {
		return fmt.Errorf("%s has %d containers instead of one", name, len(containers))
	}
	container, _ := containers[0].(map[string]any)
	container["image"] = image(name)
	container["imagePullPolicy"] = "IfNotPresent"
	if name == "controller" {
		args, _ := container["args"].([]any)
		container["args"] = append(args, "--webhook-mode=disabled")
	}
	probe, ok := container["readinessProbe"].(map[string]any)
	if !ok {
		return fmt.Errorf("%s has no readiness probe", name)
	}
	probe["initialDelaySeconds"], probe["periodSeconds"] = 1, 1
	return nil
}

// at follows a path of keys through nested maps and returns nil where it ends
// early.
func at(object map[string]any, path ...string) any {
	var value any = object
	for _, key := range path {
		next, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = next[key]
	}
	return value
}

// Component is the image name of a MetalLB component.
func Component(component string) string { return strings.Join([]string{"metallb", component}, "-") }
