#!/bin/sh
# Ring the doorbell of a connection by hand: says that files may have changed; labeld looks itself.
#   sh samples/ring.sh URL SECRET-FILE PATH...
#   sh samples/ring.sh http://127.0.0.1:8481/hooks/team team.whsec Inbox/new.docx
# Signed as Standard Webhooks say: HMAC-SHA256 of "id.timestamp.body" by the decoded secret.
set -eu
[ $# -ge 3 ] || { sed -n '2,5s/^# //p' "$0" >&2 && exit 2; }
url=$1 secret=$2
shift 2

body= # {"paths":["a","b"]}
for path; do
    case $path in *[\"\\]*) echo "ring.sh: write \" and \\ in a path as JSON does, by curl" >&2 && exit 2 ;; esac
    body=$body${body:+,}\"$path\"
done
body="{\"paths\":[$body]}"

id=msg_$(openssl rand -hex 12)
timestamp=$(date +%s)
key=$(sed -n '1s/^whsec_//p' "$secret" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=v1,$(printf '%s.%s.%s' "$id" "$timestamp" "$body" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

curl --silent --show-error --output - --write-out '%{http_code} in %{time_total} s\n' "$url" \
    --header "webhook-id: $id" --header "webhook-timestamp: $timestamp" \
    --header "webhook-signature: $signature" --header 'Content-Type: application/json' \
    --data-binary "$body"
