{{/* Pod Security "restricted". */}}
{{- define "skein.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "skein.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* (dict "source" {secret, configMap, key} "name" volume) */}}
{{- define "skein.authorityVolume" -}}
{{- if .source.secret }}
- name: {{ .name }}
  secret:
    secretName: {{ .source.secret }}
    items: [{key: {{ .source.key }}, path: ca.crt}]
{{- else if .source.configMap }}
- name: {{ .name }}
  configMap:
    name: {{ .source.configMap }}
    items: [{key: {{ .source.key }}, path: ca.crt}]
{{- end }}
{{- end }}

{{- define "skein.volumes.shared" -}}
- name: tmp
  emptyDir: {}
{{ include "skein.authorityVolume" (dict "source" .Values.trustedCa "name" "trusted-ca") }}
{{- end }}

{{- define "skein.mounts.shared" -}}
- name: tmp
  mountPath: /tmp
{{- if or .Values.trustedCa.secret .Values.trustedCa.configMap }}
- name: trusted-ca
  mountPath: /etc/skein/trusted-ca
  readOnly: true
{{- end }}
{{- end }}

{{- define "skein.mounts.database" -}}
{{- if or .Values.database.ca.secret .Values.database.ca.configMap }}
- name: database-ca
  mountPath: /etc/skein/database-ca
  readOnly: true
{{- end }}
{{- end }}

{{/* Of processes that have a metrics port. */}}
{{- define "skein.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 1
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 3
  timeoutSeconds: 3
{{- end }}

{{/* Where pods go. (list root component values) */}}
{{- define "skein.placement" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ $values.terminationGraceSeconds }}
enableServiceLinks: false
{{- end }}

{{/* Replicas on different nodes and zones where there are any. (list root component) */}}
{{- define "skein.spread" -}}
topologySpreadConstraints:
  {{- $selector := include "skein.selector" . }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}

{{/* (list root component values) */}}
{{- define "skein.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
labels:
  {{- include "skein.labels" (list $root (index . 1)) | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/secrets: {{ include (print $root.Template.BasePath "/secrets.yaml") $root | sha256sum }}
  {{- if eq (index . 1) "launcher" }}
  checksum/task-rules: {{ include (print $root.Template.BasePath "/task-rules.yaml") $root | sha256sum }}
  {{- end }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
