{{- define "skein.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "skein.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "skein.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* What a Deployment and a Service choose pods by: never changes. (list root component) */}}
{{- define "skein.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* app.kubernetes.io/name of a component. (list root component) */}}
{{- define "skein.appName" -}}
{{- $root := index . 0 -}}
{{- $flyte := dict "api" "flyteadmin" "scheduler" "flytepropeller" -}}
{{- if and $root.Values.flyteNames.enabled (hasKey $flyte (index . 1)) -}}
{{- get $flyte (index . 1) -}}
{{- else -}}
{{- include "skein.name" $root -}}
{{- end -}}
{{- end }}

{{/* Labels of every object. (list root component) */}}
{{- define "skein.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "skein.appName" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: skein
{{ include "skein.selector" . }}
{{- with $root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (list root app) */}}
{{- define "skein.image" -}}
{{- $root := index . 0 -}}
{{- $app := index . 1 -}}
{{- $image := $root.Values.image -}}
{{- $repository := printf "%s/%s" ($image.registry | trimSuffix "/") $app -}}
{{- with get ($image.digests | default dict) $app -}}
{{- printf "%s@%s" $repository . -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* (list root component) */}}
{{- define "skein.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $given := get $root.Values.serviceAccounts $component -}}
{{- $given.name | default (printf "%s-%s" (include "skein.fullname" $root) $component) -}}
{{- end }}

{{- define "skein.secretName" -}}
{{- printf "%s-secrets" (include "skein.fullname" .) -}}
{{- end }}

{{- define "skein.agentTokenSecret" -}}
{{- .Values.agentToken.existingSecret | default (printf "%s-agent-token" (include "skein.fullname" .)) -}}
{{- end }}

{{- define "skein.internalUrl" -}}
{{- $scheme := ternary "https" "http" (not (empty .Values.api.tls.secret)) -}}
{{- .Values.api.internalUrl | default (printf "%s://%s-api.%s.svc:8088" $scheme (include "skein.fullname" .) .Release.Namespace) -}}
{{- end }}

{{- define "skein.publicUrl" -}}
{{- if .Values.api.publicUrl -}}
{{- .Values.api.publicUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.host -}}
{{- printf "%s://%s" (ternary "https" "http" (not (empty .Values.ingress.tlsSecret))) .Values.ingress.host -}}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.host -}}
{{- printf "https://%s" .Values.httpRoute.host -}}
{{- else -}}
{{- include "skein.internalUrl" . -}}
{{- end -}}
{{- end }}

{{/* Every pool that some agent of the chart serves. */}}
{{- define "skein.pools" -}}
{{- $pools := list -}}
{{- range .Values.launchers }}{{ $pools = append $pools .pool }}{{ end -}}
{{- if .Values.agents.enabled }}{{ $pools = append $pools .Values.agents.pool }}{{ end -}}
{{- $pools | uniq | join "," -}}
{{- end }}
