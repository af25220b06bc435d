package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// word is what we say of an object in one of its versions.
type word struct {
	version    string
	generation int64
	// text is all that we say, without the times.
	text string
	// conditions by their entry and type.
	conditions map[string]metav1.Condition
	// parents are how many entries of ours there are, by their parentRef.
	parents map[string]int
}

// history is all that was said of an object since it was last judged. The first
// word is what it began with, and has been judged.
type history struct {
	name  string
	words []word
}

// record has every version of our Gateways, of ListenerSets and of HTTPRoutes.
type record struct {
	mu        sync.Mutex
	histories map[types.UID]*history
	broken    error
}

func startRecord(t *testing.T) *record {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", lab.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: lab.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	r := &record{histories: map[types.UID]*history{}}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	for _, list := range []client.ObjectList{&gatewayv1.GatewayList{}, &gatewayv1.ListenerSetList{}, &gatewayv1.HTTPRouteList{}} {
		// Without a version it begins with all that there is.
		events, err := c.Watch(ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		watching.Go(func() {
			defer events.Stop()
			for e := range events.ResultChan() {
				r.add(e)
			}
			if ctx.Err() == nil {
				r.fail(fmt.Errorf("the watch of %T has ended", list))
			}
		})
	}
	return r
}

func (r *record) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = err
}

func (r *record) add(e watch.Event) {
	o, ok := e.Object.(client.Object)
	if !ok || e.Type == watch.Error {
		r.fail(fmt.Errorf("a watch reports %s: %v", e.Type, e.Object))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if g, ok := o.(*gatewayv1.Gateway); ok && g.Spec.GatewayClassName == otherClass || e.Type == watch.Deleted {
		// What is not ours may be written by its own controller. Of what is gone,
		// the last words were heard as it was alive.
		return
	}
	h := r.histories[o.GetUID()]
	if h == nil {
		h = &history{name: fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())}
		r.histories[o.GetUID()] = h
	}
	h.words = append(h.words, wordOf(o))
}

// wordOf reads what is ours in a status.
func wordOf(o client.Object) word {
	w := word{version: o.GetResourceVersion(), generation: o.GetGeneration(), conditions: map[string]metav1.Condition{}, parents: map[string]int{}}
	note := func(entry string, conditions []metav1.Condition) {
		for i := range conditions {
			w.conditions[entry+" "+conditions[i].Type] = conditions[i]
			conditions[i].LastTransitionTime = metav1.Time{}
		}
	}
	switch o := o.DeepCopyObject().(type) {
	case *gatewayv1.Gateway:
		note("", o.Status.Conditions)
		for _, l := range o.Status.Listeners {
			note(string(l.Name), l.Conditions)
		}
		w.text = encoded(o.Status)
	case *gatewayv1.ListenerSet:
		note("", o.Status.Conditions)
		for _, l := range o.Status.Listeners {
			note(string(l.Name), l.Conditions)
		}
		w.text = encoded(o.Status)
	case *gatewayv1.HTTPRoute:
		ours := slices.DeleteFunc(o.Status.Parents, func(p gatewayv1.RouteParentStatus) bool { return p.ControllerName != v1alpha1.ControllerName })
		for _, p := range ours {
			note(encoded(p.ParentRef), p.Conditions)
			w.parents[encoded(p.ParentRef)]++
		}
		// No list says as little as an empty one.
		if len(ours) > 0 {
			w.text = encoded(ours)
		}
	}
	return w
}

// heard tells what the record does not have yet of the objects.
func (r *record) heard(v view) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var objects []client.Object
	for i := range v.gateways {
		objects = append(objects, &v.gateways[i])
	}
	for i := range v.sets {
		objects = append(objects, &v.sets[i])
	}
	for i := range v.routes {
		objects = append(objects, &v.routes[i])
	}
	for _, o := range objects {
		h := r.histories[o.GetUID()]
		if h == nil || !slices.ContainsFunc(h.words, func(w word) bool { return w.version == o.GetResourceVersion() }) {
			return fmt.Errorf("version %s of %T %s/%s is not watched yet", o.GetResourceVersion(), o, o.GetNamespace(), o.GetName())
		}
	}
	return r.broken
}

// judge tells what was wrong in the words since it was last called, during which
// there were so many changes, and how often the operator said something new.
func (r *record) judge(changes int) (complaints []string, writes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.histories {
		said, n := h.judge(changes)
		complaints, writes = append(complaints, said...), writes+n
	}
	slices.Sort(complaints)
	return complaints, writes
}

// perChange is how often one change may have a status written anew: when it is
// compiled, and for Gateways and ListenerSets once more when nginx serves it. Of
// routes no condition waits for nginx.
func (h *history) perChange() int {
	if strings.HasPrefix(h.name, "*v1.HTTPRoute ") {
		return 1
	}
	return 2
}

func (h *history) judge(changes int) (complaints []string, writes int) {
	complain := func(format string, of ...any) {
		complaints = append(complaints, h.name+": "+fmt.Sprintf(format, of...))
	}
	texts := []string{h.words[0].text}
	for i, w := range h.words {
		for parent, n := range w.parents {
			if n > 1 {
				complain("%d entries for %s", n, parent)
			}
		}
		if i == 0 {
			continue
		}
		before := h.words[i-1]
		if w.text != before.text {
			texts = append(texts, w.text)
		}
		for entry, c := range w.conditions {
			was, known := before.conditions[entry]
			switch {
			case c.ObservedGeneration > w.generation || known && c.ObservedGeneration < was.ObservedGeneration:
				complain("%s goes from generation %d to %d, of %d", entry, was.ObservedGeneration, c.ObservedGeneration, w.generation)
			case known && was.Status == c.Status && !was.LastTransitionTime.Equal(&c.LastTransitionTime):
				complain("%s stays %s, and its lastTransitionTime moves", entry, c.Status)
			case known && c.LastTransitionTime.Before(&was.LastTransitionTime):
				complain("the lastTransitionTime of %s moves back", entry)
			}
		}
	}
	if changes == 1 {
		for i := 2; i < len(texts); i++ {
			if texts[i] == texts[i-2] {
				complain("for one change it says\n%s, then\n%s, and the first again", texts[i], texts[i-1])
			}
		}
	}
	writes = len(texts) - 1
	if most := changes * h.perChange(); writes > most {
		complain("its status is written %d times for %d changes:\n%s", writes, changes, strings.Join(texts, "\n"))
	}
	h.words = h.words[len(h.words)-1:]
	return complaints, writes
}
