#!/bin/sh
# Onboards each municipality of /municipalities/*.json that is not there yet, and keeps the secrets of its clients, which are shown this once.
set -eu

kubernetes=https://kubernetes.default.svc
account=/var/run/secrets/kubernetes.io/serviceaccount

# keep NAME FILE [QUERY]: writes FILE as clients.json into a Secret.
keep() {
  printf '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"%s","labels":{"app.kubernetes.io/part-of":"allmende"}},"data":{"clients.json":"%s"}}' \
    "$1" "$(base64 <"$2" | tr -d '\n')" |
    curl -sS --fail-with-body --cacert "$account/ca.crt" -H "Authorization: Bearer $(cat "$account/token")" -H 'Content-Type: application/json' \
      -o /dev/null --data-binary @- "$kubernetes/api/v1/namespaces/$(cat "$account/namespace")/secrets?${3:-}"
}

until curl -sS -f -o /dev/null "$GATEWAY/health/ready"; do sleep 3; done

for file in /municipalities/*.json; do
  id=$(basename "$file" .json)
  token=$(curl -sS -f -u "$OPERATOR_CLIENT_ID:$OPERATOR_CLIENT_SECRET" -d grant_type=client_credentials "$TOKEN_ENDPOINT" |
    sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
  [ "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$GATEWAY/$id/catalog/datasets")" = 200 ] && { echo "$id is there"; continue; }
  # What cannot be kept must not be made: its secrets would be lost.
  [ "$KEEP_SECRETS" = false ] || keep "$RELEASE-$id-clients" "$file" dryRun=All
  status=$(curl -sS -o /tmp/answer.json -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    --data-binary @"$file" "$GATEWAY/operator/municipalities")
  case $status in
    201)
      [ "$KEEP_SECRETS" = false ] || keep "$RELEASE-$id-clients" /tmp/answer.json
      echo "$id is onboarded" ;;
    409) echo "$id is there" ;;
    *) echo "$id cannot be onboarded: $status" >&2; cat /tmp/answer.json >&2; exit 1 ;;
  esac
done
