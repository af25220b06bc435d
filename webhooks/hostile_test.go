package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// mostMemory is what a request may make the webhook allocate in all, garbage
// included: some times the largest body.
const mostMemory = 64 << 20

// endless never ends, and tells no length.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// envelope is an AdmissionReview of a creation.
func envelope(object string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","object":` + object + `}}`
}

func update(old, updated string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"UPDATE","oldObject":` + old + `,"object":` + updated + `}}`
}

const (
	badRoute = `{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r","namespace":"blog"},` +
		`"spec":{"parentRefs":[{"name":"home","namespace":"infra"}],"rules":[{"matches":[{"path":{"type":"RegularExpression","value":"/("}}]}]}}`
	aPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"blog"}}`
)

// crowded is a review of a route that has as many elements more, after the words,
// as a body has room for.
func crowded(after, element string) string {
	fits := (maxBody - len(envelope(badRoute))) / len(element)
	return envelope(strings.Replace(badRoute, after, after+strings.Repeat(element, fits), 1))
}

func labels(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("\"l%d\":\"\"", i)
	}
	return strings.Join(all, ",")
}

// TestHostileReviewsAreRefusedOrIgnored sends what the API server never would.
// Not parallel, as it measures memory.
func TestHostileReviewsAreRefusedOrIgnored(t *testing.T) {
	s := cluster(t, theCluster, route(goodRule))
	all := Handlers(testScheme, func(context.Context) (snapshot.Snapshot, error) { return s, nil })
	withPath := func(value string) string { return strings.Replace(badRoute, `"/("`, value, 1) }
	tests := map[string]struct {
		method, contentType string
		body                io.Reader
		// status of HTTP that is not 200, or what is said of the object.
		status  int
		allowed bool
		says    string
	}{
		"a body that is announced too long": {body: bytes.NewReader(make([]byte, maxBody+1)), status: http.StatusRequestEntityTooLarge},
		"a body without end":                {body: io.MultiReader(endless{}), status: http.StatusRequestEntityTooLarge},
		"no body":                           {body: http.NoBody, says: "request body is empty"},
		"another method":                    {method: http.MethodGet, body: http.NoBody, says: "request body is empty"},
		"another content type":              {contentType: "text/plain", body: strings.NewReader(envelope(badRoute)), says: "contentType=text/plain"},
		"a body that breaks off":            {body: strings.NewReader(envelope(badRoute)[:120]), says: "unexpected end of JSON input"},
		"no request":                        {body: strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`), allowed: true, says: "could not check"},
		"another API":                       {body: strings.NewReader(`{"apiVersion":"v1","kind":"Pod"}`), allowed: true, says: "could not check"},
		"no object":                         {body: strings.NewReader(envelope("null")), allowed: true, says: "could not check"},
		"nested without end":                {body: strings.NewReader(envelope(strings.Repeat(`{"a":`, 500_000) + "1" + strings.Repeat("}", 500_000))), status: http.StatusRequestEntityTooLarge},
		"a list of lists":                   {body: strings.NewReader(envelope(`{"spec":` + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + `}`)), status: http.StatusRequestEntityTooLarge},
		"another kind":                      {body: strings.NewReader(envelope(aPod)), allowed: true},
		"fields of other types":             {body: strings.NewReader(envelope(strings.Replace(badRoute, `"rules":[`, `"rules":"x","other":[`, 1))), allowed: true, says: "could not check"},
		"a field twice":                     {body: strings.NewReader(envelope(strings.Replace(badRoute, `"rules":[`, `"rules":[],"rules":[`, 1))), says: "is no valid regular expression"},
		"invalid UTF-8":                     {body: strings.NewReader(envelope(withPath("\"/a\xff\xfe\""))), allowed: true},
		"control characters":                {body: strings.NewReader(envelope(withPath(`"/a\u0000\n;"`))), says: "control"},
		"a regex that costs without end":    {body: strings.NewReader(envelope(withPath(`"/` + strings.Repeat("(a+)+", 100_000) + `"`))), says: "matches[0].path.value"},
		"a million rules":                   {body: strings.NewReader(crowded(`"rules":[`, `{},`)), status: http.StatusRequestEntityTooLarge},
		"a million matches":                 {body: strings.NewReader(crowded(`"matches":[`, `{},`)), status: http.StatusRequestEntityTooLarge},
		"a million managers of fields":      {body: strings.NewReader(envelope(strings.Replace(badRoute, `"name":"r"`, `"name":"r","managedFields":[`+strings.Repeat(`{},`, 1_000_000)+`{}]`, 1))), status: http.StatusRequestEntityTooLarge},
		"as many rules as are decoded":      {body: strings.NewReader(envelope(strings.Replace(badRoute, `"rules":[`, `"rules":[`+strings.Repeat(`{},`, maxElements-10), 1))), allowed: true, says: "longer than the CRD allows"},
		"as many labels as are decoded":     {body: strings.NewReader(envelope(strings.Replace(badRoute, `"name":"r"`, `"name":"r","labels":{`+labels(maxMembers-20)+`}`, 1))), says: "is no valid regular expression"},
		"an old object of another name":     {body: strings.NewReader(update(strings.Replace(badRoute, `"name":"r"`, `"name":"other"`, 1), badRoute)), says: "is no valid regular expression"},
		"an old object of another kind":     {body: strings.NewReader(update(aPod, badRoute)), allowed: true, says: "could not check"},
		"an old object that is none":        {body: strings.NewReader(update(`[1]`, badRoute)), allowed: true, says: "could not check"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			method, contentType := http.MethodPost, "application/json"
			if test.method != "" {
				method = test.method
			}
			if test.contentType != "" {
				contentType = test.contentType
			}
			request := httptest.NewRequest(method, httpRouteValidatePath, test.body)
			request.Header.Set("Content-Type", contentType)
			recorder := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all[httpRouteValidatePath].ServeHTTP(recorder, request)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > mostMemory {
				t.Errorf("took %d MiB", took>>20)
			}
			neighbour := httptest.NewRequest(http.MethodPost, httpRouteValidatePath, strings.NewReader(envelope(badRoute)))
			neighbour.Header.Set("Content-Type", "application/json")
			next := httptest.NewRecorder()
			all[httpRouteValidatePath].ServeHTTP(next, neighbour)
			if !strings.Contains(next.Body.String(), "is no valid regular expression") {
				t.Errorf("the next review is answered %s", next.Body)
			}
			if test.status > 200 {
				if recorder.Code != test.status {
					t.Errorf("HTTP %d, want %d", recorder.Code, test.status)
				}
				return
			}
			var answer admissionv1.AdmissionReview
			if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Response == nil {
				t.Fatalf("HTTP %d %s: %v", recorder.Code, recorder.Body, err)
			}
			said := strings.Join(answer.Response.Warnings, "\n")
			if answer.Response.Result != nil {
				said += answer.Response.Result.Message
			}
			if answer.Response.Allowed != test.allowed || !strings.Contains(said, test.says) {
				t.Errorf("allowed: %v, said %.300q", answer.Response.Allowed, said)
			}
		})
	}
}

// TestNoPathTakesMuchMemory asks all that answer about what is as large as is
// decoded. Not parallel, as it measures memory.
func TestNoPathTakesMuchMemory(t *testing.T) {
	s := cluster(t, theCluster, route(goodRule))
	all := Handlers(testScheme, func(context.Context) (snapshot.Snapshot, error) { return s, nil })
	crowd := strings.Repeat(`{},`, maxElements-10) + `{}`
	for _, path := range slices.Sorted(maps.Keys(all)) {
		kind, version := "", ""
		for gvk := range testScheme.AllKnownTypes() {
			if strings.HasSuffix(path, "-"+strings.ToLower(gvk.Version+"-"+gvk.Kind)) && strings.Contains(path, strings.ReplaceAll(gvk.Group, ".", "-")) {
				kind, version = gvk.Kind, gvk.GroupVersion().String()
			}
		}
		if kind == "" {
			t.Fatalf("%s is for no kind", path)
		}
		for _, list := range []string{"rules", "parentRefs", "hostnames", "listeners", "targetRefs", "from", "ports"} {
			elements := crowd
			if list == "hostnames" {
				elements = strings.ReplaceAll(crowd, `{}`, `"a"`)
			}
			body := envelope(fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"r","namespace":"blog"},"spec":{%q:[%s]}}`, version, kind, list, elements))
			request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all[path].ServeHTTP(httptest.NewRecorder(), request)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > mostMemory {
				t.Errorf("%s: %d %s take %d MiB", path, maxElements, list, took>>20)
			}
		}
	}
}
