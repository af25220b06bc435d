// Package load asks a proxy as much as it can answer, and says how much that was:
// by wrk (HTTP/1.1), by h2load (HTTP/2), and by programs of its own where neither
// does what is to be measured: TLS handshakes, websockets, long uploads.
//
// In: a Plan. Out: a Result. It must not know which proxy it asks. All plans are
// closed loops: a connection asks again when it has been answered.
package load
