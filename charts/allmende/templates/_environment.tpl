{{/* Environment of a .NET process; call with (list $ "catalog"). The names are options in the code: tests/Chart.Tests. */}}
{{- define "allmende.environment" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $values := $root.Values -}}
{{- $name := include "allmende.name" $root -}}
- {name: ASPNETCORE_URLS, value: "http://+:8080"}
- {name: ASPNETCORE_ENVIRONMENT, value: Production}
- {name: Platform__PublicUrl, value: {{ $values.publicUrl | quote }}}
- {name: Platform__Identity__Issuer, value: {{ include "allmende.issuer" $root | quote }}}
- {name: Platform__Identity__Audience, value: {{ $values.identity.audience | quote }}}
{{- with include "allmende.authority" $root }}
- {name: Platform__Identity__Authority, value: {{ . | quote }}}
{{- end }}
- {name: Platform__Log__Kind, value: {{ $values.log.kind | quote }}}
- {name: Platform__Log__Partitions, value: {{ $values.log.partitions | quote }}}
{{- if eq $values.log.kind "kafka" }}
- {name: Platform__Log__Kafka, value: {{ required "log.kafka is needed where log.kind is kafka" $values.log.kafka | quote }}}
{{- end }}
{{- if eq $values.log.kind "redis" }}
- {name: Platform__Redis, value: {{ required "redis is needed where log.kind is redis" $values.redis | quote }}}
{{- else if $values.redis }}
- {name: Platform__Redis, value: {{ $values.redis | quote }}}
{{- end }}
- {name: Platform__Events__Kind, value: {{ $values.events.kind | quote }}}
{{- if eq $values.events.kind "dapr" }}
- {name: Platform__Events__Dapr, value: "http://localhost:3500"}
- {name: Platform__Events__PubSub, value: {{ $values.events.dapr.pubsub | quote }}}
{{- end }}
{{- range (include "allmende.processes" $root | splitList " ") }}
{{- if ne . "gateway" }}
- {name: Platform__Services__{{ . }}, value: "http://{{ $name }}-{{ . }}:8080"}
{{- end }}
{{- end }}
{{ include "allmende.fromSecret" (list "Platform__InternalKey" (include "allmende.secret.internal" $root) "internalKey") }}
{{- if has $service (include "allmende.stores" $root | splitList " ") }}
{{ include "allmende.fromSecret" (list "Platform__Postgres" (include "allmende.secret.postgres" $root) $service) }}
{{- end }}
{{- if eq $service "identity" }}
{{ include "allmende.fromSecret" (list "Identity__Provider__AdminClientId" (include "allmende.secret.identity" $root) "adminClientId") }}
{{ include "allmende.fromSecret" (list "Identity__Provider__AdminClientSecret" (include "allmende.secret.identity" $root) "adminClientSecret") }}
{{- if $values.identity.provider.enabled }}
- {name: Identity__Provider__Url, value: "http://{{ $name }}-provider:8080"}
{{- end }}
{{- end }}
{{- if and (eq $service "observations") $values.mqtt.enabled }}
{{- range $i, $endpoint := $values.mqtt.endpoints }}
- {name: Observations__MqttEndpoints__{{ $i }}, value: {{ $endpoint | quote }}}
{{- end }}
{{- end }}
{{- if eq $service "ingestion" }}
- {name: Ingestion__Mqtt__Address, value: {{ ternary "*:1883" "" (and $values.mqtt.enabled (not $values.mqtt.tlsSecret)) | quote }}}
- {name: Ingestion__Mqtt__AllowAnonymous, value: {{ $values.mqtt.allowAnonymous | quote }}}
{{- if and $values.mqtt.enabled $values.mqtt.tlsSecret }}
- {name: Ingestion__Mqtt__TlsAddress, value: "*:8883"}
- {name: Ingestion__Mqtt__Certificate, value: /mqtt-tls/tls.crt}
- {name: Ingestion__Mqtt__CertificateKey, value: /mqtt-tls/tls.key}
{{- end }}
{{- end }}
{{- with $values.telemetry.otlp }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
- {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: {{ $values.telemetry.protocol | quote }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ $values.telemetry.sampling | quote }}}
{{- end }}
{{- end -}}

{{/* Environment of the provider, which is no .NET process: services/Identity/provider/src/settings.js. */}}
{{- define "allmende.providerEnvironment" -}}
- {name: ISSUER, value: {{ include "allmende.issuer" . | quote }}}
- {name: HOST, value: "0.0.0.0"}
- {name: PORT, value: "8080"}
- {name: DATA, value: /data}
{{ include "allmende.fromSecret" (list "ADMIN_CLIENT_ID" (include "allmende.secret.identity" .) "adminClientId") }}
{{ include "allmende.fromSecret" (list "ADMIN_CLIENT_SECRET" (include "allmende.secret.identity" .) "adminClientSecret") }}
{{ include "allmende.fromSecret" (list "OPERATOR_CLIENT_ID" (include "allmende.secret.identity" .) "operatorClientId") }}
{{ include "allmende.fromSecret" (list "OPERATOR_CLIENT_SECRET" (include "allmende.secret.identity" .) "operatorClientSecret") }}
{{- end -}}
