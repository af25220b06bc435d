// Package nginx turns a Gateway of the graph into nginx configuration: typed
// values, printed through the templates of package templates. It is the only
// home of quoting: no untrusted text reaches the configuration but through its
// token types.
//
// In: a Gateway of the graph. Out: a bundle. It must not know Kubernetes
// objects, statuses or processes.
package nginx
