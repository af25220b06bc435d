package node

import (
	"fmt"
	"os"
)

// Names of the audit's files. The log lies with the others in LogDir.
const (
	auditPolicyFile = "audit-policy.yaml"
	AuditLog        = "audit.log"
)

// auditPolicy has the API server note each answered request of Gatewright's own
// service accounts, and nobody else's: so tests can count what the operator asks
// for, to the single request.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: Metadata, userGroups: ["system:serviceaccounts:gatewright-system"]}
- {level: None}
`

func configureAudit(spec Spec) error {
	if err := os.WriteFile(spec.path(auditPolicyFile), []byte(auditPolicy), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	return nil
}
