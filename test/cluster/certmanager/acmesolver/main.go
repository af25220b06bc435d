// Command acmesolver answers one HTTP-01 challenge, in the pod that
// cert-manager makes for it. Its flags are those that cert-manager passes.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	"k8s.io/klog/v2"
)

func main() {
	var challenge solver.HTTP01Solver
	flag.IntVar(&challenge.ListenPort, "listen-port", 8089, "port to listen on")
	flag.StringVar(&challenge.Domain, "domain", "", "the name to prove the control of")
	flag.StringVar(&challenge.Token, "token", "", "token of the challenge")
	flag.StringVar(&challenge.Key, "key", "", "what to answer")
	flag.Parse()
	if err := challenge.Listen(klog.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "acmesolver: %v\n", err)
		os.Exit(1)
	}
}
