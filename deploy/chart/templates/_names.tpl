{{/* The chart's name, or what replaces it. */}}
{{- define "speech-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects, so that two releases in one cluster do not collide. */}}
{{- define "speech-operator.fullname" -}}
{{- $name := include "speech-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/*
What tells the pods of one release from all others. The selector of a Deployment cannot change, and this is the one of the
manifests that came before the chart.
*/}}
{{- define "speech-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "speech-operator.fullname" . }}
{{- end }}

{{- define "speech-operator.labels" -}}
{{ include "speech-operator.selectorLabels" . }}
app.kubernetes.io/part-of: speech-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "speech-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "speech-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.create=false needs serviceAccount.name: the roles would be bound to the account `default`, which other pods use" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "speech-operator.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* The Namespaces that a release with a scope may read: the scope, its own, and the one whose uid names the cluster. */}}
{{- define "speech-operator.namespacesRead" -}}
{{- concat .Values.scope.namespaces (list .Release.Namespace "kube-system") | uniq | join ", " }}
{{- end }}

{{/* Whom the roles are bound to. */}}
{{- define "speech-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "speech-operator.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The port of the proxy, in so far as there is one: as named, or else as its address has it. */}}
{{- define "speech-operator.proxyPort" -}}
{{- $address := default .Values.proxy.http .Values.proxy.https }}
{{- if .Values.networkPolicy.proxy.port }}
{{- .Values.networkPolicy.proxy.port }}
{{- else if $address }}
{{- $host := regexReplaceAll "^([a-zA-Z0-9+.-]+://)?([^/@]*@)?([^/]*).*$" $address "${3}" }}
{{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" }}
{{- default (hasPrefix "https://" $address | ternary "443" "80") $port }}
{{- end }}
{{- end }}
