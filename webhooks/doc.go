// Package webhooks completes and checks what users apply, at the moment they
// apply it: one file per kind, whose comment lists the problems it prevents.
//
// In: AdmissionReviews of the API server, and a snapshot of the cluster. Out:
// patches that only add, denials of what can never become valid, and warnings
// about what is not valid yet. It must not know Secrets, render anything, run
// nginx, or write to the cluster; and nothing may rely on it, as it may be
// absent: status says the same.
package webhooks
