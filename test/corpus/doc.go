// Package corpus runs the cases of test/cases: manifests go through the
// compiler, what comes out is compared with the case's expected sections, the
// configuration is judged by the real nginx, and the case's requests are sent
// through it.
//
// In: txtar files. Out: test results, and rewritten expectations with -update.
// It must not know how the compiler works inside.
//
// # Sections of a case
//
//	in.yaml         manifests. Namespaces are made where none is given; a
//	                Secret with the annotation test.gatewright.dev/certificate
//	                gets a certificate for the hostnames that it lists, one with
//	                test.gatewright.dev/client that of a client, and a
//	                ConfigMap or Secret with test.gatewright.dev/authority the
//	                certificate of an authority of that name.
//	                An EndpointSlice with test.gatewright.dev/tls has endpoints
//	                that speak TLS, with a certificate of the authority named
//	                first for the names that follow; with
//	                test.gatewright.dev/tls-client they ask for a certificate of
//	                that authority.
//	dataplane.yaml  what data planes last reported, by namespace/name
//	quarantine.yaml routes that nginx refused, by namespace/name
//	requests.txt    requests to send; see below
//
// and expected, rewritten by `go test ./test/corpus -update`:
//
//	nginx/<namespace>/<gateway>/servers.conf, and streams.conf where it has one
//	endpoints.yaml, hop.yaml, status.yaml, diagnostics.txt, responses.txt
//
// and, where the case has the section already, nginx.conf and upstreams.conf
// beside servers.conf, objects.yaml (owned objects), policies.yaml
// and certificates.yaml. A line
// "shows: status diagnostics" before the first section keeps a case to those.
//
// # Requests
//
// A request is a line "METHOD URL options", with lines "Name: value" for its
// headers. Options are sni=name ("-" for none), client=authority
// (and client=authority/expired) for a certificate to show, port=n to send to another port
// than the URL's, to=address for another address of nginx than 127.0.0.1, target=… for
// another request target, http=2, body=text (5MB and
// 13KB, also as a header, stand for that many bytes),
// gateway=namespace/name, times=n, copies=n for requests that nginx sends to n
// backends besides the one that answers, and open: a connection that is upgraded then
// stays open until the case ends.
// Backends take connections that are passed on to them, TLS ones too, and say
// of such requests that they came as they were sent. SEND udp://host:port/
// sends a datagram with the body.
// The response says who answered, what the backend saw that is not what every
// backend sees (+ Name: value, - Name) and what the response carried
// (< Name: value, << Name: value for trailers). The header "Respond: 418" asks the backend for a status,
// "Respond-X: y" for a header X, "Delay: 2s" for patience, and "Fail-First: 2"
// for that status twice alone, with the number of the attempt as a header.
package corpus
