{{/* (dict "name" variable "secret" name "key" key) */}}
{{- define "skein.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{- define "skein.environment.storage" -}}
- name: SKEIN_STORAGE
  value: {{ .Values.storage.uri | quote }}
{{- with .Values.storage.s3 }}
{{- if .endpoint }}
- name: SKEIN_S3_ENDPOINT
  value: {{ .endpoint | quote }}
{{- end }}
{{- if .region }}
- name: AWS_REGION
  value: {{ .region | quote }}
{{- end }}
{{- end }}
{{- if or .Values.storage.existingSecret .Values.storage.accessKeyId }}
{{- $secret := .Values.storage.existingSecret | default (include "skein.secretName" .) }}
{{ include "skein.secretVariable" (dict "name" "AWS_ACCESS_KEY_ID" "secret" $secret "key" "access-key-id") }}
{{ include "skein.secretVariable" (dict "name" "AWS_SECRET_ACCESS_KEY" "secret" $secret "key" "secret-access-key") }}
{{- end }}
{{- end }}

{{- define "skein.environment.database" -}}
{{- $database := .Values.database -}}
{{- if $database.host }}
{{ include "skein.secretVariable" (dict "name" "DATABASE_PASSWORD" "secret" $database.passwordSecret "key" $database.passwordSecretKey) }}
- name: DATABASE_URL
  value: {{ printf "postgres://%s:$(DATABASE_PASSWORD)@%s:%v/%s?sslmode=%s%s" $database.user $database.host $database.port $database.name $database.sslMode (ternary "&sslrootcert=/etc/skein/database-ca/ca.crt" "" (or (not (empty $database.ca.secret)) (not (empty $database.ca.configMap)))) | quote }}
{{- else }}
{{ include "skein.secretVariable" (dict "name" "DATABASE_URL" "secret" ($database.existingSecret | default (include "skein.secretName" .)) "key" (ternary $database.existingSecretKey "database-url" (not (empty $database.existingSecret)))) }}
{{- end }}
{{- end }}

{{- define "skein.environment.queue" -}}
{{- $queue := .Values.queue -}}
- name: SKEIN_QUEUE_PREFIX
  value: {{ $queue.prefix | quote }}
{{- if or $queue.redisUrl $queue.existingSecret }}
{{ include "skein.secretVariable" (dict "name" "REDIS_URL" "secret" ($queue.existingSecret | default (include "skein.secretName" .)) "key" (ternary $queue.existingSecretKey "redis-url" (not (empty $queue.existingSecret)))) }}
{{- else if $queue.databaseUrl }}
{{ include "skein.secretVariable" (dict "name" "SKEIN_QUEUE_DATABASE_URL" "secret" (include "skein.secretName" .) "key" "queue-database-url") }}
{{- end }}
{{- end }}

{{- define "skein.environment.secretKey" -}}
{{ include "skein.secretVariable" (dict "name" "SKEIN_SECRET_KEY" "secret" (.Values.secretKey.existingSecret | default (include "skein.secretName" .)) "key" (ternary .Values.secretKey.existingSecretKey "secret-key" (not (empty .Values.secretKey.existingSecret)))) }}
{{- end }}

{{/* What every process gets. */}}
{{- define "skein.environment.shared" -}}
- name: SKEIN_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- if or .Values.trustedCa.secret .Values.trustedCa.configMap }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/skein/trusted-ca/ca.crt
{{- end }}
{{- end }}

{{/* The installation's own variables win, being last. (dict of name → value) */}}
{{- define "skein.environment.own" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What agents of all kinds get. (list root pool) */}}
{{- define "skein.environment.agent" -}}
{{- $root := index . 0 -}}
{{- $pool := index . 1 -}}
- name: SKEIN_POOL
  value: {{ $pool | quote }}
- name: SKEIN_API_URL
  value: {{ include "skein.internalUrl" $root | quote }}
- name: SKEIN_TASK_API_URL
  value: {{ $root.Values.api.taskUrl | default (include "skein.internalUrl" $root) | quote }}
{{ include "skein.secretVariable" (dict "name" "SKEIN_AGENT_TOKEN" "secret" (include "skein.agentTokenSecret" $root) "key" $pool) }}
- name: SKEIN_METRICS_HOST
  value: "0.0.0.0"
- name: SKEIN_METRICS_PORT
  value: "9090"
- name: SKEIN_TASK_CREDENTIALS
  value: {{ $root.Values.tasks.credentials }}
{{- with $root.Values.tasks.credentialsSecret }}
{{ include "skein.secretVariable" (dict "name" "SKEIN_TASK_AWS_ACCESS_KEY_ID" "secret" . "key" "access-key-id") }}
{{ include "skein.secretVariable" (dict "name" "SKEIN_TASK_AWS_SECRET_ACCESS_KEY" "secret" . "key" "secret-access-key") }}
{{- end }}
{{- end }}
