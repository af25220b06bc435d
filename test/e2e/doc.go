// Package e2e tells the whole story on a real one-node cluster: the chart is
// installed by Helm, the sample homelab is applied with kubectl, and requests
// come from a laptop on the home LAN.
//
// In: this repository. Out: what a user would see. It must not know how the
// operator, the webhook and the agent do what they do.
package e2e
