package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
)

// request is one that the operator made of the API server: an audit.k8s.io/v1
// Event.
type request struct {
	Verb       string
	RequestURI string
	User       struct{ Username string }
	ObjectRef  *struct {
		Resource, Namespace, Name, Subresource string
	}
	ResponseStatus struct{ Code int }
}

const operatorUser = "system:serviceaccount:gatewright-system:gatewright-operator"

func (r request) String() string {
	return fmt.Sprintf("%d %s %s", r.ResponseStatus.Code, r.Verb, r.RequestURI)
}

// isHousekeeping says that the request is made whatever happens: the lease is
// kept, watches are renewed after some minutes, and the API server is asked
// whether it has cert-manager's kinds by now.
func (r request) isHousekeeping() bool {
	return r.Verb == "watch" || r.ObjectRef == nil || r.ObjectRef.Resource == "leases"
}

// audience hears what the operator asks from the time that it was made.
type audience struct{ from int64 }

func listen(t *testing.T) audience {
	t.Helper()
	log, err := os.Stat(lab.Cluster.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	return audience{from: log.Size()}
}

// requests are all but the housekeeping.
func (a audience) requests(t *testing.T) []request {
	t.Helper()
	log, err := os.Open(lab.Cluster.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.Seek(a.from, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var all []request
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			// What has no end yet is not answered yet.
			return all
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if r.User.Username == operatorUser && !r.isHousekeeping() {
			all = append(all, r)
		}
	}
}

// reportStatuses counts what was asked for. As many statuses must have been
// written as were seen to say something new: none was written for nothing.
func (a audience) reportStatuses(t *testing.T, seen int) {
	t.Helper()
	counts, written := map[string]int{}, 0
	for _, r := range a.requests(t) {
		counts[fmt.Sprintf("%d %s %s %s", r.ResponseStatus.Code, r.Verb, r.ObjectRef.Resource, r.ObjectRef.Subresource)]++
		kind := r.ObjectRef.Resource
		if r.ObjectRef.Subresource == "status" && r.ResponseStatus.Code == 200 && (kind == "gateways" || kind == "listenersets" || kind == "httproutes") {
			written++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%5d %s", counts[what], what)
	}
	if written != seen {
		t.Errorf("%d statuses are written, of which %d say something new", written, seen)
	}
}
