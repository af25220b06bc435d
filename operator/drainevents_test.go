package operator

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
)

func TestAReloadThatDrainsWebsocketsIsAnEventOnTheGateway(t *testing.T) {
	t.Parallel()
	const pod = " nginx was reloaded in pod nginx-a: this change "
	tests := map[string]struct {
		drain bundle.Drain
		want  []string
	}{
		"drains many": {
			bundle.Drain{Reload: 3, Websockets: 14, Seconds: 24 * 3600},
			[]string{"Normal WebsocketsDraining" + pod + "drains 14 websockets, longest drain 24h"},
		},
		"drains one, and cuts older ones": {
			bundle.Drain{Reload: 3, Websockets: 1, Seconds: 90, Cut: 2},
			[]string{
				"Normal WebsocketsDraining" + pod + "drains 1 websocket, longest drain 1m30s",
				"Warning WebsocketsCut" + pod + "cuts 2 websockets that were draining since earlier changes, as too many of these had left some",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := events.NewFakeRecorder(10)
			told := drainEvents{newFakeCluster(t, gatewayWithUID("1")).cached, recorder}
			told.tell(homeKey, dataplane.Pod{Name: types.NamespacedName{Namespace: "infra", Name: "nginx-a"}}, test.drain)
			told.tell(types.NamespacedName{Namespace: "infra", Name: "gone"}, dataplane.Pod{}, test.drain)
			close(recorder.Events)
			var got []string
			for e := range recorder.Events {
				got = append(got, e)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
