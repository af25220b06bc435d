// Package resolver is the DNS server through which nginx learns the endpoints
// of its upstreams without a reload (`server <id>.<zone> service=http resolve`).
//
// In: the endpoint table of a bundle, and SRV, A and AAAA queries of the nginx
// beside it. Out: answers, held back until they would tell something new. It
// must not know nginx processes, configuration files or Kubernetes.
//
// What it does follows from how nginx's resolver works:
//
//   - nginx asks again as soon as an answer's TTL has passed, but its timers
//     have whole seconds. So SRV answers have TTL 0, and a repeated query is
//     held until the data differ from what this source was told, or for
//     Options.Hold, which must be below nginx's resolver_timeout. nginx repeats
//     a held query every five seconds, as long as the worker lives.
//   - An empty answer or NXDOMAIN removes all peers and is cached for 10 s. So
//     a known or unknown upstream without endpoints is answered with the
//     sentinel, which points at nginx's own server that answers 503.
//   - SRV targets are names that encode an address; their A and AAAA records
//     never change and have a long TTL, so nginx asks for each only once, and
//     again when it has had no use for it for 30 s.
//   - A name of the other family is answered with no data, not with NXDOMAIN:
//     nginx then takes the family that has addresses.
//   - nginx accepts 4096 bytes over UDP; more is truncated and asked again
//     over TCP. Hundreds of SRV records are slow, so large upstreams become
//     SRV records that point at sets of about a hundred addresses.
package resolver
