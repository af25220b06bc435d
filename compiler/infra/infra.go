package infra

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is an object to own.
type Object interface {
	metav1.Object
	runtime.Object
}

// Options say how data planes are deployed.
type Options struct {
	// Image of the nginx container, by tag or digest.
	Image string
	// ImagePullPolicy of the nginx container; IfNotPresent when empty.
	ImagePullPolicy string
}
