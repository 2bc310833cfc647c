{{/* Parts of the network policies. */}}
{{- define "toneup.egress" -}}
{{- $where := .where -}}
- ports:
    {{- range $where.ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
  {{- with $where.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- define "toneup.metrics-ingress" -}}
{{- with .from }}
- ports: [{ protocol: TCP, port: {{ $.port }} }]
  from:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- define "toneup.servers" -}}
{{- $policy := .Values.networkPolicy -}}
{{ include "toneup.egress" (dict "where" $policy.database) }}
{{ include "toneup.egress" (dict "where" $policy.redis) }}
{{ include "toneup.s3" . }}
{{- if .Values.rabbitmq.cluster.enabled }}
- ports: [{ protocol: TCP, port: 5672 }]
  to:
    - podSelector:
        matchLabels: { app.kubernetes.io/name: {{ include "toneup.name" . }}-rabbitmq }
{{- else }}
{{ include "toneup.egress" (dict "where" $policy.broker) }}
{{- end }}
{{- with .Values.config.OTEL_EXPORTER_OTLP_ENDPOINT }}
{{ include "toneup.egress" (dict "where" $policy.otlp) }}
{{- end }}
{{- end }}
{{/* Every address but private ones: without peers, a rule would admit these, too. */}}
{{- define "toneup.public" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
- ipBlock:
    cidr: ::/0
    except: ["fc00::/7", "fe80::/10"]
{{- end }}
{{- define "toneup.s3" -}}
{{- $where := .Values.networkPolicy.s3 -}}
- ports:
    {{- range $where.ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
  to:
    {{- if $where.to }}
    {{- toYaml $where.to | nindent 4 }}
    {{- else }}
    {{- include "toneup.public" . | nindent 4 }}
    {{- end }}
{{- end }}
