#!/usr/bin/env bash
# Writes what follows from markers in the Go sources, and the chart's copies:
#
#   api/        -> deep copies, config/crd
#   operator/   -> config/rbac/operator.yaml
#   webhooks/   -> config/rbac/webhook.yaml, config/webhook/manifests.yaml
#   config/     -> charts/gatewright/files (Helm reads nothing outside a chart)
#
# With --check it writes nothing, and fails if anything would change.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each is generated as a whole: what no source asks for any more goes away.
generated=(
  api/v1alpha1/zz_generated.deepcopy.go
  config/crd
  config/rbac
  config/webhook
  charts/gatewright/files
)

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

generate() {
  go tool -modfile=test/tools/controller-gen/go.mod controller-gen "$@"
}
generate object paths=./api/... output:object:dir="$fresh/api/v1alpha1"
generate crd paths=./api/... output:crd:dir="$fresh/config/crd"
generate rbac:roleName=gatewright-operator,fileName=operator.yaml paths=./operator/... output:rbac:dir="$fresh/config/rbac"
generate rbac:roleName=gatewright-webhook,fileName=webhook.yaml paths=./webhooks/... output:rbac:dir="$fresh/config/rbac"
generate webhook paths=./webhooks/... output:webhook:dir="$fresh/config/webhook"

chart="$fresh/charts/gatewright/files"
mkdir -p "$chart"
cp -r "$fresh"/config/{crd,rbac,webhook} "$chart/"

stale=0
for path in "${generated[@]}"; do
  if diff -ruN "$path" "$fresh/$path" > "$fresh/difference"; then
    continue
  fi
  if [ "${1:-}" = --check ]; then
    cat "$fresh/difference"
    echo "$path is stale: run make generate" >&2
    stale=1
  else
    rm -rf "$path"
    mkdir -p "$(dirname "$path")"
    cp -r "$fresh/$path" "$path"
  fi
done
exit "$stale"
