{{/* The release's name, and with it of everything in it. */}}
{{- define "toneup.name" -}}
{{- if eq .Release.Name "toneup" }}toneup{{ else }}{{ printf "%s-toneup" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{/* Labels of everything; (dict "root" $ "component" "api"). */}}
{{- define "toneup.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: toneup
{{ include "toneup.selector" . }}
{{- end }}

{{/* Labels that choose the pods of one program. */}}
{{- define "toneup.selector" -}}
app.kubernetes.io/name: toneup
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* An image; (dict "root" $ "name" "api"). */}}
{{- define "toneup.image" -}}
{{- $image := .root.Values.image -}}
{{- $digest := get $image.digests .name -}}
{{- if $digest -}}
{{ printf "%s/%s@%s" $image.repository .name $digest }}
{{- else -}}
{{ printf "%s/%s:%s" $image.repository .name ($image.tag | default .root.Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{/* One secret setting; (dict "root" $ "key" "JWT_SECRET"), and "optional" true if the Secret may lack it. */}}
{{- define "toneup.secret" -}}
- name: {{ .key }}
  valueFrom:
    secretKeyRef:
      name: {{ required "existingSecret: name the Secret with DATABASE_URL and the others" .root.Values.existingSecret }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}

{{/* Where the broker is. The operator's own `connection_string` names a virtual host that does not exist. */}}
{{- define "toneup.broker" -}}
{{- if .Values.rabbitmq.cluster.enabled -}}
{{- $cluster := printf "%s-rabbitmq" (include "toneup.name" .) -}}
- name: AMQP_USERNAME
  valueFrom:
    secretKeyRef: { name: {{ $cluster }}-default-user, key: username }
- name: AMQP_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ $cluster }}-default-user, key: password }
- name: AMQP_URL
  value: amqp://$(AMQP_USERNAME):$(AMQP_PASSWORD)@{{ $cluster }}.{{ .Release.Namespace }}.svc:5672/%2F
{{- else -}}
{{ include "toneup.secret" (dict "root" . "key" "AMQP_URL") }}
{{- end -}}
{{- end }}

{{/* Authorities of our own: where they are, the volume, and where it is mounted. Each is empty without them. */}}
{{- define "toneup.ca.setting" -}}
{{- if or .Values.tlsCa.configMap .Values.tlsCa.secret -}}
- { name: TLS_CA_FILE, value: {{ printf "/etc/toneup/ca/%s" .Values.tlsCa.key | quote }} }
{{- end -}}
{{- end }}
{{- define "toneup.ca.volume" -}}
{{- if .Values.tlsCa.configMap -}}
- name: ca
  configMap: { name: {{ .Values.tlsCa.configMap }} }
{{- else if .Values.tlsCa.secret -}}
- name: ca
  # Its certificates alone: an issuer's Secret may have a key beside them.
  secret: { secretName: {{ .Values.tlsCa.secret }}, items: [{ key: {{ .Values.tlsCa.key | quote }}, path: {{ .Values.tlsCa.key | quote }} }] }
{{- end -}}
{{- end }}
{{- define "toneup.ca.mount" -}}
{{- if or .Values.tlsCa.configMap .Values.tlsCa.secret -}}
- { name: ca, mountPath: /etc/toneup/ca, readOnly: true }
{{- end -}}
{{- end }}

{{/* Settings of the object store, and of everything by `config`. */}}
{{- define "toneup.settings" -}}
{{ with include "toneup.ca.setting" . }}{{ . }}
{{ end -}}
{{ include "toneup.secret" (dict "root" . "key" "S3_ACCESS_KEY_ID") }}
{{ include "toneup.secret" (dict "root" . "key" "S3_SECRET_ACCESS_KEY") }}
- { name: S3_ENDPOINT, value: {{ required "s3.endpoint: where the photos are" .Values.s3.endpoint | quote }} }
{{- with .Values.s3.publicEndpoint }}
- { name: S3_PUBLIC_ENDPOINT, value: {{ . | quote }} }
{{- end }}
- { name: S3_REGION, value: {{ .Values.s3.region | quote }} }
- { name: S3_BUCKET, value: {{ required "s3.bucket: the bucket of the photos" .Values.s3.bucket | quote }} }
- { name: PAGE_ORIGIN, value: {{ required "pageOrigin: the origin of the page" .Values.pageOrigin | quote }} }
{{- range $name, $value := .Values.config }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{/* What all pods have in common; (dict "root" $ "component" "api" "of" .Values.api). */}}
{{- define "toneup.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range $key, $when := dict "topology.kubernetes.io/zone" .root.Values.topologySpread.zone "kubernetes.io/hostname" .root.Values.topologySpread.node }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $when }}
    # Each release is spread by itself: the old pods are about to go.
    matchLabelKeys: ["pod-template-hash"]
    labelSelector:
      matchLabels:
        {{- include "toneup.selector" $ | nindent 8 }}
  {{- end }}
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
  {{- /* An analyzer asks nobody for anything. */}}
  {{- if ne .component "analyzer" }}
  {{- with include "toneup.ca.volume" .root }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* What all containers have in common. */}}
{{- define "toneup.container" -}}
image: {{ include "toneup.image" (dict "root" .root "name" .name) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
resources:
  {{- toYaml .of.resources | nindent 2 }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  {{- if ne .component "analyzer" }}
  {{- with include "toneup.ca.mount" .root }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* Probes of one port. Only readiness asks for others than the process: an outage of a server must not restart what waits for it. */}}
{{- define "toneup.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: {{ . }} }
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: {{ . }} }
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /healthz, port: {{ . }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* A budget; (dict "root" $ "component" "api" "of" .Values.api). */}}
{{- define "toneup.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "toneup.name" .root }}-{{ .component }}
  labels:
    {{- include "toneup.labels" . | nindent 4 }}
spec:
  {{- toYaml .of.podDisruptionBudget | nindent 2 }}
  # A pod that does not work protects nothing.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "toneup.selector" . | nindent 6 }}
{{- end }}
