package operator

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// Reasons of the events on a Gateway about reloads.
const (
	reasonDraining = "WebsocketsDraining"
	reasonCut      = "WebsocketsCut"
)

// drainEvents tells users of a Gateway what a change meant for open websockets.
type drainEvents struct {
	cached   client.Reader
	recorder events.EventRecorder
}

// tell records what one reload of one pod meant. The counts are part of the
// action: the recorder makes a series of events that differ in their notes
// alone, and keeps the first one's note.
func (e drainEvents) tell(gateway types.NamespacedName, pod dataplane.Pod, d bundle.Drain) {
	g := &gatewayv1.Gateway{}
	if err := e.cached.Get(context.Background(), gateway, g); err != nil {
		return // It has gone, and its pods go with it.
	}
	related := &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Name.Namespace, Name: pod.Name.Name, UID: pod.UID,
	}
	if d.Websockets > 0 {
		e.recorder.Eventf(g, related, corev1.EventTypeNormal, reasonDraining, fmt.Sprintf("Drain%d", d.Websockets),
			"nginx was reloaded in pod %s: this change drains %s, longest drain %s",
			pod.Name.Name, websockets(d.Websockets), brief(time.Duration(d.Seconds)*time.Second))
	}
	if d.Cut > 0 {
		e.recorder.Eventf(g, related, corev1.EventTypeWarning, reasonCut, fmt.Sprintf("Cut%d", d.Cut),
			"nginx was reloaded in pod %s: this change cuts %s that were draining since earlier changes, as too many of these had left some",
			pod.Name.Name, websockets(d.Cut))
	}
}

func websockets(n int) string {
	if n == 1 {
		return "1 websocket"
	}
	return fmt.Sprintf("%d websockets", n)
}

// brief writes a duration without its zero units: 24h, 1h30m.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
