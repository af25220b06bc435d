{{/* Labels of every object; call with (list . "component"). */}}
{{- define "gatewright.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: gatewright
{{ include "gatewright.selector" . }}
{{- end }}

{{/* Labels by which a component's pods are found; they never change. */}}
{{- define "gatewright.selector" -}}
app.kubernetes.io/name: gatewright
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The reference of an image; call with (list . .Values.images.nginx). */}}
{{- define "gatewright.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* What the operator's and the webhook's containers may do: nothing. */}}
{{- define "gatewright.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "gatewright.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Where pods may run. */}}
{{- define "gatewright.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Roles as the sources of a component ask for them, bound to its ServiceAccount;
call with (list . "operator"). A ClusterRole stays one; a Role is for the
release's own namespace, whatever the generated one says.
*/}}
{{- define "gatewright.rbac" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $name := printf "gatewright-%s" $component -}}
{{- range $text := regexSplit "(?m)^---$" ($root.Files.Get (printf "files/rbac/%s.yaml" $component)) -1 }}
{{- $role := fromYaml $text }}
{{- if $role.kind }}
{{- $namespaced := eq $role.kind "Role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $role.kind }}
metadata:
  name: {{ $name }}
  {{- if $namespaced }}
  namespace: {{ $root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "gatewright.labels" (list $root $component) | nindent 4 }}
rules:
  {{- toYaml $role.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $role.kind }}Binding
metadata:
  name: {{ $name }}
  {{- if $namespaced }}
  namespace: {{ $root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "gatewright.labels" (list $root $component) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $role.kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end }}
{{- end }}
