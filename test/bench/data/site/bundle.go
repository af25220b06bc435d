package site

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"text/template"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
)

// mostRules is how many rules an HTTPRoute may have.
const mostRules = 16

//go:embed *.tmpl
var manifestFiles embed.FS

var manifests = template.Must(template.ParseFS(manifestFiles, "*.tmpl"))

// Listeners are the ports of a Gateway, and the certificate of the second.
type Listeners struct {
	HTTP, HTTPS int
	Certificate Certificate
}

// Bundle is what Gatewright makes of the site written as manifests.
func (s Site) Bundle(l Listeners) (bundle.Bundle, error) {
	read, err := s.snapshot(l)
	if err != nil {
		return bundle.Bundle{}, fmt.Errorf("read the manifests of %s: %w", s.Name, err)
	}
	result := compiler.Run(read, compiler.Options{})
	if len(result.Diagnostics) > 0 {
		return bundle.Bundle{}, fmt.Errorf("compile %s: %v", s.Name, result.Diagnostics[0])
	}
	if len(result.Gateways) != 1 {
		return bundle.Bundle{}, fmt.Errorf("compile %s: %d Gateways are accepted, want 1", s.Name, len(result.Gateways))
	}
	return result.Gateways[0].Bundle, nil
}

func (s Site) snapshot(l Listeners) (snapshot.Snapshot, error) {
	var text bytes.Buffer
	err := manifests.ExecuteTemplate(&text, "manifests.yaml.tmpl", map[string]any{
		"Controller": v1alpha1.ControllerName, "Zone": Zone, "Routes": s.objects(), "Hop": s.hop,
		"BackendName": BackendName, "Authority": string(l.Certificate.Chain),
		"HTTP": l.HTTP, "HTTPS": l.HTTPS,
		"Certificate":     base64.StdEncoding.EncodeToString(l.Certificate.Chain),
		"Key":             base64.StdEncoding.EncodeToString(l.Certificate.Key),
		"ConditionHeader": ConditionHeader, "ConditionParameter": ConditionParameter,
	})
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	read := manifest.Decode("bench.yaml", text.Bytes(), manifest.Options{ConfigMaps: true})
	if len(read.Unreadable)+len(read.PassedOver)+read.Others > 0 {
		return snapshot.Snapshot{}, fmt.Errorf("not all of them are Gatewright's: %v, %v, %d others", read.Unreadable, read.PassedOver, read.Others)
	}
	var all snapshot.Snapshot
	for i, o := range read.Objects {
		// What an API server would add. The order of creation keeps that of rules.
		o.SetUID(types.UID(fmt.Sprintf("%s-%d", o.Kind, i)))
		o.SetGeneration(1)
		o.SetCreationTimestamp(metav1.NewTime(time.Unix(1_700_000_000+int64(i), 0)))
		all = all.With(o.Object)
	}
	return all, nil
}

// objects are the routes, in as many objects as their rules take.
func (s Site) objects() []Route {
	var objects []Route
	for _, r := range s.Routes {
		for i := 0; i < len(r.Rules); i += mostRules {
			o := r
			o.Rules = r.Rules[i:min(i+mostRules, len(r.Rules))]
			if i > 0 {
				o.Name = fmt.Sprintf("%s-%d", r.Name, i)
			}
			objects = append(objects, o)
		}
	}
	return objects
}
