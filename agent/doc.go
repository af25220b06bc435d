// Package agent supervises the nginx of one Gateway, from inside its pod. It
// starts nginx, takes bundles from the operator, has nginx judge them, brings
// them live, and says what is live. Endpoints and renewed certificates reach
// nginx without a reload.
//
// nginx reads a configuration once: its master judges when it loads it, and keeps
// what it has, workers and all, if it cannot use it. Of one that the master does
// not survive, it is restarted with the one before.
//
// In: bundles, over mutual TLS or from a mounted Secret; signals. Out: nginx
// serving the last good bundle, a bundle.State, readiness, metrics. It must
// not know Kubernetes objects, nor what a configuration means.
//
// # The contract with the configuration of a bundle
//
// Files of a bundle are "nginx.conf", other "*.conf" files, and CA bundles
// "ca/*.pem" (certificates only). They lie together in RunDir/generations/<hash>,
// and RunDir/conf links to the live one. nginx runs with -c RunDir/conf/nginx.conf,
// so `include x.conf` and `proxy_ssl_trusted_certificate ca/x.pem` are relative
// to the bundle. Certificates of a bundle are "certs/*.pem", each with a chain
// followed by its key, and lie in RunDir/certs whichever generation is live:
// name them by that absolute path. RunDir is /run/gatewright.
//
// The agent writes generation.conf and websockets.conf into every generation,
// and makes RunDir/tmp.
// It passes `daemon off;` on the command line. nginx.conf must have
//
//	pid /run/gatewright/nginx.pid;
//	error_log stderr notice;     # any level
//	worker_shutdown_timeout …;   # Bundle.DrainSeconds
//	http {
//	    client_body_temp_path /run/gatewright/tmp/client_body;
//	    proxy_temp_path       /run/gatewright/tmp/proxy;
//	    fastcgi_temp_path     /run/gatewright/tmp/fastcgi;
//	    uwsgi_temp_path       /run/gatewright/tmp/uwsgi;
//	    scgi_temp_path        /run/gatewright/tmp/scgi;
//	    keepalive_min_timeout 10s;
//	    resolver 127.0.0.1:29053;   # A and AAAA; a name has one of them
//	    resolver_timeout 5m;        # above the time for which answers are held
//	    ssl_certificate_cache max=… valid=1s inactive=1h;
//	    server {
//	        listen 127.0.0.1:29080;
//	        access_log off;
//	        include generation.conf;                  # location = /generation
//	        location = /stub_status { stub_status; }
//	    }
//	    server { listen 127.0.0.1:29503; return 503; }
//	    server { listen 127.0.0.1:29500; return 500; }
//	}
//
// A configuration that limits websockets has, in http, a variable $gw_websocket
// with what a request is counted by (empty for none) and
//
//	include websockets.conf;   # limit_conn_zone … zone=gw_websockets
//
// It must not have `daemon`, `master_process` or another `pid`. A log to
// standard output is `access_log /dev/stdout`. An upstream is
//
//	upstream x {
//	    zone upstreams 64m;   # one zone for all, generous
//	    server <id>.upstream.gatewright service=http resolve;
//	}
//
// For locations that need the hop, and the upstream that leads to it, see package
// hop; the agent listens there while a bundle has hop rules.
//
// Without generation.conf in the status server a bundle never counts as live.
package agent
