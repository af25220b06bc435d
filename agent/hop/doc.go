// Package hop is a small HTTP proxy on a Unix socket between nginx and the
// backends of those rules that need what nginx cannot do well: a deadline for
// the whole request, retries within it, header changes and URL rewrites of one
// backend among several, copies of calls that last, and checks of a backend's
// certificate for several names. nginx keeps the clients' TLS, the matching, the
// filters of the rule, redirects and the copies of other requests.
//
// In: requests from the nginx beside it; bundle.Hop, with the CA bundles and
// client certificates that it names. Out: requests to endpoints, and their
// responses. It must not know nginx processes, Kubernetes objects, nor what
// another rule's requests look like.
//
// # The contract with the configuration of a bundle
//
// A location that needs the hop proxies to it as to any upstream, with the
// headers that a backend is to get, and one more that names the rule:
//
//	upstream hop {
//	    server unix:/run/gatewright/hop.sock;   # bundle.HopSocket
//	    keepalive 32;
//	    keepalive_timeout 60s;                  # below the hop's five minutes
//	}
//	location … {
//	    proxy_set_header Host …;                # as for a backend
//	    proxy_set_header Gatewright-Hop <id>;   # bundle.HopHeader, HopRule.ID
//	    proxy_pass http://hop;
//	}
//
// with `proxy_http_version 1.1`, buffering of requests and responses off, and
// proxy_read_timeout and proxy_send_timeout above the rule's timeouts (the hop
// has no idle timeouts of its own). What a client sends as Gatewright-Hop is
// replaced by proxy_set_header. gRPC reaches the hop as HTTP/2, which it speaks
// on the same socket: `grpc_pass grpc://hop` with grpc_set_header. Over
// HTTP/1.1 nginx passes trailers on only with `proxy_pass_trailers on` and
// `TE: trailers` (and `Connection: te`).
//
// The socket exists while a live bundle has hop rules; without any the hop has
// neither listener nor goroutine. nginx -t does not look for the socket.
//
// # What becomes of a request
//
//   - The hop adds no header and drops none but those of the connection
//     (RFC 9110, 7.6.1) and Gatewright-Hop. Path and query are sent as nginx
//     sent them. Header names are canonical (X-Request-Id).
//   - One of the rule's backends is chosen by weight, then one of its endpoints
//     by weight. An endpoint that could not be connected to is passed over for
//     ten seconds, unless all are. The sentinel of an upstream without
//     endpoints is answered with 503, that of an invalid backend with 500, an
//     unknown rule or one without backends with 500, a backend that cannot be
//     reached, whose certificate does not fit or that answers no HTTP with 502.
//   - RequestTimeout and BackendTimeout run until the whole response has been
//     passed on. If one ends before the response's headers were sent, the
//     answer is 504; afterwards the connection is broken off, so that nobody
//     takes the response for complete. Neither applies after 101 (websockets).
//   - An endpoint that cannot be connected to is replaced by another one at
//     once, up to twice, whether or not the rule asks for retries: nothing was
//     sent yet.
//   - With Retry, an attempt is repeated after the backoff, at another endpoint
//     if there is one: for the codes whatever the method, as the backend has
//     said that it failed; for a lost connection or BackendTimeout only if
//     the method is idempotent (RFC 9110, 9.2.2), an Idempotency-Key was sent,
//     or nothing had been sent. The last response is passed on as it is.
//   - Of a request's body up to 64 KiB are kept for another attempt. Once an
//     attempt has read more, there is no other. Without Retry nothing is kept.
//   - Nothing is buffered: bodies, events and trailers pass as they come, in
//     both directions at once. Informational responses are dropped, as nginx
//     does by default. A client that goes away ends the backend's request.
//   - With Auth, the authorization server is asked before a backend is: with the
//     method, Host, path and query that nginx sent, dot segments resolved, and
//     the headers and body that the rule names. Its 200 lets the request in, with
//     the headers that the rule names. Every other answer is passed on in the
//     backend's place; without an answer the client gets 500 to 504 as from a
//     backend, a body that is too long 413. nginx must not have changed the
//     request: the changes of the whole rule are those of its backends here.
//   - With GRPCAuth it is called instead (Envoy's ext_authz). It may change headers
//     of the request and the response, and the query. The contract then has nginx set
//     X-Real-IP and X-Forwarded-Proto, from which it is told the client's address and
//     scheme. An answer of more than 256 KiB, or with a change that is not made, is
//     none.
//   - With Mirrors, copies go out of each request, or of a share of them, once it
//     was let in. A copy has the request's headers without the changes of a
//     backend, no trailers, and the body as it is read for the backend, which
//     never waits for a mirror: a copy that is 4 MiB behind, or one when all
//     copies are 16 MiB behind, is broken off. So is one of a request that ends
//     before its body. A mirror has ten seconds from the end of the request to
//     answer. What it answers is dropped; a copy is not sent again.
//   - Headers may have 256 KiB, more than nginx takes.
//
// Requests that are under way live on through bundle updates, with the rule
// that they came with.
package hop
