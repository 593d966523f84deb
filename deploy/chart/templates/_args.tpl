{{/* The command line. What has a default in the program is written only where a value says otherwise. */}}
{{- define "speech-operator.args" -}}
- run
- --leader-elect-resource-name={{ include "speech-operator.fullname" . }}
- --leader-elect-lease-duration={{ .Values.leaderElection.leaseDuration }}
- --leader-elect-renew-deadline={{ .Values.leaderElection.renewDeadline }}
- --leader-elect-retry-period={{ .Values.leaderElection.retryPeriod }}
- --log-format={{ .Values.log.format }}
- --fleet-page={{ .Values.fleetPage.audience }}
{{- with .Values.log.level }}
- {{ printf "--log=%s" . | quote }}
{{- end }}
{{- with .Values.scope.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- if .Values.observeOnly }}
- --observe-only
{{- end }}
{{- if .Values.allowHttp }}
- --allow-http
{{- end }}
{{- with .Values.allowedHosts }}
- {{ printf "--allowed-hosts=%s" (join "," .) | quote }}
{{- end }}
{{- with .Values.entra.identityNamespaces }}
- --identity-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.entra.allowedAuthorities }}
- {{ printf "--allowed-authorities=%s" (join "," .) | quote }}
{{- end }}
{{- with .Values.concurrency }}
- --concurrency={{ . }}
{{- end }}
{{- with .Values.fluxEvents.url }}
- {{ printf "--flux-events=%s" . | quote }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
