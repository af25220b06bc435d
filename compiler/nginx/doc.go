// Package nginx turns a Gateway of the graph into nginx configuration: typed
// values, printed through the templates of package templates. It is the only
// home of quoting: no untrusted text reaches the configuration but through the
// types of package token.
//
// In: a Gateway of the graph. Out: a bundle. It must not know Kubernetes
// objects, statuses or processes.
//
// # How routes become locations
//
// Each hostname on each port is a server of nginx's, owned by the most specific
// listener that has it. The matches of all routes that answer under it, in the
// order in which Gateway API lets them win, are its candidates. Each exact
// path, prefix and regular expression becomes a location, and a location has
// all candidates that a request which nginx sends there could match, up to the
// first that it must match:
//
//	location /api/ {                    # the only candidate is certain
//	    proxy_pass http://web;
//	}
//	location /shop/ {
//	    if ($http_version = "two") {    # a candidate with a condition
//	        error_page 418 = @shop/beta/0;
//	        return 418;
//	    }
//	    error_page 418 = @shop/main/0;  # the first certain candidate
//	    return 418;
//	}
//
// A jump by error_page keeps method, body and the path as the client encoded
// it. It happens before any backend is asked, so a backend's own 418 is not
// touched.
package nginx
