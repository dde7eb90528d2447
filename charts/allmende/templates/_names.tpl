{{/* Start of all names. */}}
{{- define "allmende.name" -}}
{{- if contains "allmende" .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-allmende" .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{/* Labels of a service's objects; call with (list $ "catalog"). */}}
{{- define "allmende.labels" -}}
{{ include "allmende.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/part-of: allmende
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end -}}

{{- define "allmende.selector" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{/* Services that have a store of their own. */}}
{{- define "allmende.stores" -}}identity ingestion streams observations catalog opendata{{- end -}}

{{/* All processes of this release, in order. */}}
{{- define "allmende.processes" -}}
gateway identity ingestion streams observations catalog opendata dashboards{{ if .Values.identity.provider.enabled }} provider{{ end }}
{{- end -}}

{{- define "allmende.issuer" -}}
{{- if .Values.identity.issuer -}}{{ .Values.identity.issuer }}
{{- else if .Values.identity.provider.enabled -}}{{ .Values.publicUrl }}/realms/allmende
{{- else -}}{{ fail "identity.issuer is needed where the own provider is not enabled" }}
{{- end -}}
{{- end -}}

{{/* Where tokens are checked from inside: the own provider is next door, whatever the public address is. */}}
{{- define "allmende.authority" -}}
{{- if .Values.identity.authority -}}{{ .Values.identity.authority }}
{{- else if .Values.identity.provider.enabled -}}http://{{ include "allmende.name" . }}-provider:8080{{ regexFind "/realms/.*$" (include "allmende.issuer" .) }}
{{- end -}}
{{- end -}}

{{- define "allmende.tokenEndpoint" -}}
{{- if .Values.identity.tokenEndpoint -}}{{ .Values.identity.tokenEndpoint }}
{{- else -}}{{ include "allmende.authority" . | default (include "allmende.issuer" .) }}/protocol/openid-connect/token
{{- end -}}
{{- end -}}

{{- define "allmende.secret.postgres" -}}{{ .Values.postgres.existingSecret | default (printf "%s-postgres" (include "allmende.name" .)) }}{{- end -}}
{{- define "allmende.secret.identity" -}}{{ .Values.identity.existingSecret | default (printf "%s-identity-provider" (include "allmende.name" .)) }}{{- end -}}
{{- define "allmende.secret.internal" -}}{{ .Values.internal.existingSecret | default (printf "%s-internal" (include "allmende.name" .)) }}{{- end -}}

{{/* An environment variable out of a Secret; call with (list "NAME" "secret" "key"). */}}
{{- define "allmende.fromSecret" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}}
{{- end -}}

{{/* What no container of ours needs. */}}
{{- define "allmende.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "allmende.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Where ingestion speaks MQTT. */}}
{{- define "allmende.mqttPort" -}}{{ ternary 8883 1883 (ne .Values.mqtt.tlsSecret "") }}{{- end -}}
