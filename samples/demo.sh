#!/bin/sh
# The whole way once, in a scratch folder: labeld watches a folder of sample documents, says which
# label each would get and why, then writes the labels, and a changed file is labelled at once; an
# exposed one is quarantined and given back, one for the board is encrypted, a webhook rings.
#   sh samples/demo.sh          leaves the daemon running until Ctrl-C
#   sh samples/demo.sh --once   ends by itself
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
once=false
case ${1:-} in
--once) once=true ;;
"") ;;
*) echo "usage: sh samples/demo.sh [--once]" >&2 && exit 2 ;;
esac

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }

# Build ------------------------------------------------------------------------------------------
sh "$root/samples/packages.sh" build
build=$root/build/demo
if [ ! -x "$build/daemon/labeld" ]; then
    say "Building a release (once)"
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLABELD_TESTS=OFF >/dev/null
fi
if ! cmake --build "$build" >"$build/log" 2>&1; then
    tail -n 30 "$build/log" >&2
    echo "demo: the build failed; all of it is in $build/log" >&2
    exit 1
fi
tail -n 1 "$build/log"
PATH=$build/daemon:$PATH

# A scratch folder -------------------------------------------------------------------------------
scratch=$(mktemp -d "${TMPDIR:-/tmp}/labeld-demo.XXXXXX")
daemon=
finish() {
    trap - EXIT INT TERM
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'finish; exit 0' INT TERM

team=$scratch/team
mkdir -p "$team/Finance" "$team/HR" "$team/Sales" "$team/Inbox" "$team/Public" "$team/Board"
files=$root/samples/files
cp "$files/office/cards-shared.docx" "$files/office/payroll.xlsx" "$files/data/orders.csv" \
    "$files/data/invoice.xml" "$files/office/embedded.docx" "$team/Finance/"
cp "$files/office/contract.docx" "$files/text/personalakte.txt" "$files/office/macros.xlsm" \
    "$files/data/patients.csv" "$files/office/strict.docx" "$team/HR/"
cp "$files/office/deck.pptx" "$files/office/letter.docx" "$files/office/labelled.docx" \
    "$files/office/show.ppsx" "$files/text/meeting.txt" "$team/Sales/"
cp "$files/closed/protected.docx" "$files/hostile/bomb.docx" "$files/office/signed.docx" \
    "$files/other/page.pdf" "$team/Inbox/"
chmod -R go= "$team"
chmod 0644 "$team/Sales/letter.docx"
chmod o+rx "$team" "$team/Public"
total=$(find "$team" -type f | wc -l)

# The board's key: what is encrypted to it only the board opens.
(umask 077 && echo "the board's passphrase" >"$scratch/passphrase")
board=$(labelctl key new "$scratch/board.key" --passphrase-file "$scratch/passphrase")
rules() { # mode
    sed -e "s/^mode: simulate.*/mode: $1/" -e "s/board: \[age1[a-z0-9]*\]/board: [$board]/" \
        "$root/samples/rules/demo.yaml" >"$scratch/rules.yaml"
}
rules simulate
(umask 077 && echo "whsec_$(head -c 32 /dev/urandom | base64)" >"$scratch/team.whsec")
cat >"$scratch/labeld.yaml" <<YAML
state: state
listen: { admin: "127.0.0.1:0", webhooks: "127.0.0.1:0" }
rules: rules.yaml
connections:
  - { name: team, kind: directory, path: team, webhook: { secret_file: team.whsec } }
YAML

# Start ------------------------------------------------------------------------------------------
say "Starting labeld on $total documents in $team"
mkdir "$scratch/state"
labeld --config "$scratch/labeld.yaml" 2>"$scratch/log" &
daemon=$!
export LABELD_STATE=$scratch/state

wait_until() { # what, command...: at most 60 s
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 "$daemon" 2>/dev/null; then
            echo "demo: $what did not happen; the log:" >&2
            tail -n 20 "$scratch/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}
is_up() { [ -s "$LABELD_STATE/listen.json" ]; }
visits() { grep -c 'event=visited' "$scratch/log" || true; }
examined() {
    done=$(visits)
    [ -t 1 ] && printf '\r  %s of %s files examined' "$done" "$total"
    [ "$done" -ge "$1" ]
}
wait_until "the start" is_up
wait_until "the first walk" examined "$total"
[ -t 1 ] && echo
labelctl status

say "What was found (nothing is changed yet: the rules only simulate)"
labelctl items

say "Which label would each file get, and why?"
cd "$scratch"
find team -type f | sort | xargs labelctl rules explain --rules rules.yaml --exposure private |
    grep -E '^team/|^MATCHED|^would' |
    sed -e 's/; label .*//' -e 's/^MATCHED */  because  /' -e 's/   simulate .*//' \
        -e 's/^would */  would    /' -e 's/ if all rules were enforced//'

say "The whole reasoning for one of them"
labelctl rules explain --rules rules.yaml --exposure private team/HR/contract.docx

# Enforce ----------------------------------------------------------------------------------------
say "The rules are switched to enforce"
rules enforce
before=$(visits)
kill -HUP "$daemon"
wait_until "deciding again" examined $((before + total))
[ -t 1 ] && echo
settled() {
    labelctl status --json | grep -q '"queued":0,"backfill":0,"running":0,"waiting":0'
}
wait_until "rest" settled
labelctl items
echo
echo "The labels are in the files themselves:"
labelctl label get team/Finance/*.docx team/Finance/*.xlsx team/HR/*.docx team/Sales/*.docx

# One change -------------------------------------------------------------------------------------
say "One more file arrives"
cp "$files/office/deleted.docx" "$team/Inbox/new.docx"
labelled() { grep -q 'event=labelled.*new.docx' "$scratch/log"; }
wait_until "the label on the new file" labelled
labelctl label get team/Inbox/new.docx
delay=$(sed -n 's/.*event=labelled.*new\.docx.* delay_ms=\([0-9]*\).*/\1/p' "$scratch/log" | tail -n 1)
echo "From the change to the label: $delay ms"

# Protection ---------------------------------------------------------------------------------------
say "A file with card numbers appears where everybody can read it: quarantine"
cp "$files/office/cards-shared.docx" "$team/Public/offer.docx"
chmod 0644 "$team/Public/offer.docx"
removed() { grep -q 'event=custody.*offer.docx.*what=removed' "$scratch/log"; }
wait_until "the quarantine" removed
ls -l "$team/Public"
cat "$team/Public/offer.docx.quarantined.txt"
entry=$(sed -n 's/.*event=custody.*entry=\([0-9]*\).*offer\.docx.*/\1/p' "$scratch/log" | head -n 1)
labelctl quarantine list
labelctl quarantine show "$entry"

say "A reviewer gives it back"
labelctl quarantine release "$entry" --reason "the demo's own card numbers"
ls -l "$team/Public"

say "A paper of the board is encrypted to the board's key"
cp "$files/office/contract.docx" "$team/Board/minutes.docx"
encrypted() { grep -q 'event=custody.*minutes.docx.*what=removed' "$scratch/log"; }
wait_until "the encryption" encrypted
ls -l "$team/Board"
labelctl unprotect "$team/Board/minutes.docx.age" --identity "$scratch/board.key" \
    --passphrase-file "$scratch/passphrase" --output "$scratch/minutes.docx"
labelctl label get "$scratch/minutes.docx"

say "A program that saves a file can ring as well: a signed webhook"
cp "$files/office/letter.docx" "$team/Inbox/rung.docx"
webhooks=$(sed -n 's/.*"webhooks": *"\([^"]*\)".*/\1/p' "$LABELD_STATE/listen.json")
sh "$root/samples/ring.sh" "http://$webhooks/hooks/team" "$scratch/team.whsec" Inbox/rung.docx
rung() { grep -q 'event=labelled.*rung.docx' "$scratch/log"; }
wait_until "the label" rung
delay=$(sed -n 's/.*event=labelled.*rung\.docx.* delay_ms=\([0-9]*\).*/\1/p' "$scratch/log" | tail -n 1)
echo "The answer 202 says that the job is on disk. From the change to the label: $delay ms"

say "Go on with"
cat <<TEXT
  export LABELD_STATE=$LABELD_STATE PATH=$build/daemon:\$PATH
  labelctl status
  labelctl items --type credit-card
  labelctl quarantine list
  labelctl audit list
  labelctl inspect --show $team/Finance
  labelctl types list
  labelctl rules check $scratch/rules.yaml
TEXT
$once && exit 0
echo
echo "labeld keeps running on $team; Ctrl-C ends it and removes the scratch folder."
wait "$daemon"
