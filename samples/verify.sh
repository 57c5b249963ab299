#!/bin/sh
# Check a notification as its receiver: is it from this labeld, whole, and of the last five minutes?
#   sh verify.sh SECRET_FILE WEBHOOK_ID WEBHOOK_TIMESTAMP WEBHOOK_SIGNATURE < body
# The arguments are the secret's file and the three headers, the body the raw bytes.
set -eu
key=$(sed 's/^whsec_//' "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n')
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
wanted=v1,$({ printf '%s.%s.' "$2" "$3"; cat "$body"; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
case " $4 " in
*" $wanted "*) ;;
*) echo "no: the signature is not of this secret" >&2; exit 1 ;;
esac
age=$(($(date +%s) - $3))
if [ "$age" -gt 300 ] || [ "$age" -lt -300 ]; then
    echo "no: sent $age seconds ago" >&2
    exit 1
fi
echo "yes"
