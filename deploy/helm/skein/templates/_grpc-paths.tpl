{{/* gRPC services of the api, as paths. A test compares them with what the api serves. */}}
{{- define "skein.grpcPaths" -}}
- /flyteidl.service.AdminService
- /flyteidl.service.AuthMetadataService
- /flyteidl.service.DataProxyService
- /flyteidl.service.IdentityService
- /flyteidl.service.SignalService
- /flyteidl.cacheservice.CacheService
- /datacatalog.DataCatalog
- /grpc.health.v1.Health
- /grpc.reflection.v1.ServerReflection
- /grpc.reflection.v1alpha.ServerReflection
{{- end }}
