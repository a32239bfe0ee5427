{{/* What no schema can say: values that belong together. Each failure says what to do. */}}
{{- define "skein.checks" -}}
{{- $v := .Values -}}
{{- if not $v.storage.uri }}{{ fail "storage.uri is not set: give the object store, for example s3://my-bucket/skein" }}{{ end -}}
{{- if hasPrefix "file:" $v.storage.uri }}{{ fail "storage.uri cannot be a folder: pods share none. Give s3://, gs:// or abfs://" }}{{ end -}}
{{- if not (or $v.database.url $v.database.existingSecret $v.database.host) }}{{ fail "No database: set database.existingSecret, or database.host with database.passwordSecret, or database.url" }}{{ end -}}
{{- if and $v.database.host (not $v.database.passwordSecret) }}{{ fail "database.host needs database.passwordSecret: the Secret with the password" }}{{ end -}}
{{- if not (or $v.secretKey.value $v.secretKey.existingSecret) }}{{ fail "No secret key: set secretKey.existingSecret, or secretKey.value to the output of `openssl rand -hex 32`" }}{{ end -}}
{{- if ne (empty $v.auth.issuer) (empty $v.auth.audience) }}{{ fail "auth.issuer and auth.audience belong together: set both, or neither" }}{{ end -}}
{{- if not (or $v.auth.issuer $v.auth.allowAnonymous) }}{{ fail "Nobody is asked to log in: set auth.issuer and auth.audience, or auth.allowAnonymous=true if everybody who reaches the api may do everything" }}{{ end -}}
{{- if and $v.auth.issuer $v.auth.allowAnonymous }}{{ fail "auth.allowAnonymous says that nobody logs in, auth.issuer that everybody does: choose one" }}{{ end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}{{ fail "ingress.enabled needs ingress.host" }}{{ end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parents) }}{{ fail "httpRoute.enabled needs httpRoute.parents: the Gateways that take it" }}{{ end -}}
{{- if and $v.agents.enabled (eq $v.agents.runtime "process") (not $v.agents.image) }}{{ fail "agents.runtime=process needs agents.image: an image with what tasks need (Python, flytekit), built on Skein's agent" }}{{ end -}}
{{- $names := list }}{{ range $v.launchers }}{{ $names = append $names .name }}{{ end -}}
{{- if ne (len $names) (len (uniq $names)) }}{{ fail "launchers must have different names" }}{{ end -}}
{{- end }}
