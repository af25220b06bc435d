package bundle_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func sample() bundle.Bundle {
	b := bundle.Bundle{
		Gateway:    "infra/home",
		Generation: 3,
		Files: []bundle.File{
			{Path: "nginx.conf", Data: []byte("include http.conf;\n")},
			{Path: "http.conf", Data: []byte("server {}\n")},
		},
		Certificates: []bundle.File{{Path: "certs/infra-home-tls.pem", Data: []byte("PEM")}},
		Upstreams: []bundle.Upstream{
			{ID: "web", Endpoints: []bundle.Endpoint{{Address: "10.0.0.2", Port: 80, Weight: 1}, {Address: "10.0.0.1", Port: 80, Weight: 1}}},
			{ID: "api", Endpoints: []bundle.Endpoint{{Address: "::1", Port: 8080, Weight: 2}}},
		},
		Hop: bundle.Hop{
			Rules: []bundle.HopRule{
				{ID: "web", RequestTimeoutMillis: 500, Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}}},
				{ID: "api", Retry: &bundle.HopRetry{Attempts: 2, Codes: []int{503, 500}}},
			},
			Upstreams: []bundle.Upstream{{ID: "web", Endpoints: []bundle.Endpoint{{Address: "10.0.0.1", Port: 80, Weight: 1}}}},
		},
		DrainSeconds: 60,
	}
	b.Sort()
	return b
}

func TestABundleSurvivesItsWireForm(t *testing.T) {
	t.Parallel()
	data, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := bundle.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("decoded bundle differs (-sent +received):\n%s", diff)
	}
	if got.Hash() != sample().Hash() {
		t.Errorf("hash %s after the wire, %s before", got.Hash(), sample().Hash())
	}
}

func TestOnlyWhatNginxReadsAtAReloadMovesTheConfigHash(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change       func(*bundle.Bundle)
		needsAReload bool
	}{
		"an endpoint moves":                {func(b *bundle.Bundle) { b.Upstreams[0].Endpoints[0].Address = "10.0.0.9" }, false},
		"a weight changes":                 {func(b *bundle.Bundle) { b.Upstreams[0].Endpoints[0].Weight = 9 }, false},
		"a certificate is renewed":         {func(b *bundle.Bundle) { b.Certificates[0].Data = []byte("NEW") }, false},
		"the Gateway has a new generation": {func(b *bundle.Bundle) { b.Generation++ }, false},
		"a hop rule changes":               {func(b *bundle.Bundle) { b.Hop.Rules[1].RequestTimeoutMillis = 1 }, false},
		"an endpoint of the hop moves":     {func(b *bundle.Bundle) { b.Hop.Upstreams[0].Endpoints[0].Port = 81 }, false},
		"a server is added":                {func(b *bundle.Bundle) { b.Files[0].Data = []byte("server {} server {}") }, true},
		"the drain time changes":           {func(b *bundle.Bundle) { b.DrainSeconds = 1 }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := sample()
			test.change(&b)
			if b.Hash() == sample().Hash() {
				t.Error("the hash did not move, so no data plane would hear of the change")
			}
			if moved := b.ConfigHash() != sample().ConfigHash(); moved != test.needsAReload {
				t.Errorf("config hash moved: %v, want %v", moved, test.needsAReload)
			}
		})
	}
}

func TestDecodeRefusesWhatIsNoBundle(t *testing.T) {
	t.Parallel()
	compressed := func(r io.Reader) io.Reader {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := io.Copy(z, r); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	whole, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	huge, err := json.Marshal(bundle.Bundle{Gateway: strings.Repeat("a", bundle.MaxDecodedBytes)})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]io.Reader{
		"nothing":            strings.NewReader(""),
		"plain text":         strings.NewReader("hello"),
		"a truncated bundle": bytes.NewReader(whole[:len(whole)/2]),
		"compressed text":    compressed(strings.NewReader("hello")),
		"more than the cap":  compressed(bytes.NewReader(huge)),
	}
	for name, input := range tests {
		if _, err := bundle.Decode(input); err == nil {
			t.Errorf("%s was taken for a bundle", name)
		}
	}
}

func TestHopIsSorted(t *testing.T) {
	t.Parallel()
	rules := sample().Hop.Rules
	if rules[0].ID != "api" || rules[1].ID != "web" {
		t.Errorf("rules are %q and %q", rules[0].ID, rules[1].ID)
	}
	if diff := cmp.Diff([]int{500, 503}, rules[0].Retry.Codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func TestBundleWithoutAHopSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(bundle.Bundle{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "hop") {
		t.Errorf("encoded as %s", data)
	}
}
