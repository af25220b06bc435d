package operator

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TestEveryFieldOfAParentMakesADifference also fails when the API gets a field
// that sameParent does not know.
func TestEveryFieldOfAParentMakesADifference(t *testing.T) {
	t.Parallel()
	parent := func() *gatewayv1.RouteParentStatus {
		return &gatewayv1.RouteParentStatus{Conditions: []metav1.Condition{{}}}
	}
	if !sameParent(*parent(), *parent()) {
		t.Error("a parent is not the same as itself")
	}
	for name, part := range map[string]func(*gatewayv1.RouteParentStatus) any{
		"parent":    func(p *gatewayv1.RouteParentStatus) any { return p },
		"reference": func(p *gatewayv1.RouteParentStatus) any { return &p.ParentRef },
		"condition": func(p *gatewayv1.RouteParentStatus) any { return &p.Conditions[0] },
	} {
		fields := reflect.TypeOf(part(parent())).Elem()
		for i := range fields.NumField() {
			changed := parent()
			field := reflect.ValueOf(part(changed)).Elem().Field(i)
			if fields.Field(i).Name == "ParentRef" {
				continue // field by field below
			}
			field.Set(other(field.Type()))
			if sameParent(*parent(), *changed) {
				t.Errorf("%s.%s makes no difference", name, fields.Field(i).Name)
			}
		}
	}
}

// other is a value that is not the zero one.
func other(of reflect.Type) reflect.Value {
	value := reflect.New(of).Elem()
	switch of.Kind() {
	case reflect.String:
		value.SetString("x")
	case reflect.Int32, reflect.Int64:
		value.SetInt(1)
	case reflect.Pointer:
		value.Set(reflect.New(of.Elem()))
	case reflect.Slice:
		value.Set(reflect.MakeSlice(of, 2, 2))
	default:
		value.Set(reflect.ValueOf(metav1.Unix(1, 0)))
	}
	return value
}
