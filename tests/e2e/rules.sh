#!/bin/sh
# rules check, test and explain as people run them: sh rules.sh LABELCTL SOURCE_DIR
labelctl=$(realpath "$1")
source=$(realpath "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# what, wanted exit code, command...: the answer is left in $scratch/out
run() {
    what=$1
    wanted=$2
    shift 2
    "$@" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" -eq "$wanted" ] && return
    echo "FAILED $what: exit $got, not $wanted"
    cat "$scratch/out" "$scratch/err"
    failed=1
}

# what, pattern: a line of the answer
has() {
    grep -q -e "$2" "$scratch/out" && return
    echo "FAILED $1: no line like: $2"
    cat "$scratch/out" "$scratch/err"
    failed=1
}

for rules in "$source"/samples/rules/*.yaml; do
    run "check ${rules##*/}" 0 "$labelctl" rules check "$rules"
    has "check ${rules##*/}" ": 0 errors, [01] warnings*$"
    run "test ${rules##*/}" 0 "$labelctl" rules test --rules "$rules"
    has "test ${rules##*/}" "^ok 2 "
done

cat >"$scratch/rules.yaml" <<'YAML'
site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10
labels: [{ name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }]
rules:
  - name: Cards
    mode: enforce
    when: { findings: { type: credit-card, at_least: 2 }, exposure: { at_least: public } }
    then: { label: Secret }
tests:
  - { name: a real file, file: cards.txt, exposure: public, expect: { label: Secret, rules: Cards } }
  - { name: it is private, file: cards.txt, exposure: private, expect: { label: Secret } }
  - { name: not there, file: gone.txt, expect: { label: none } }
YAML
cp "$source/samples/files/text/cards.txt" "$scratch/cards.txt"
cd "$scratch" || exit 1
run "failing tests" 1 "$labelctl" rules test
has "a test on a file" "^ok 1 a real file$"
has "a failed test" "^FAILED 2 it is private (rules.yaml:10): label: wanted Secret, got none$"
has "a test without its file" "^FAILED 3 not there (rules.yaml:11): "
run "explain" 0 "$labelctl" rules explain --exposure public cards.txt
has "explain matched" "^MATCHED    Cards   enforce   rules.yaml:4$"
has "explain plan" "^plan     label Secret (was none)$"
run "explain unknown" 0 "$labelctl" rules explain cards.txt
has "explain unknown" "not known, give --exposure$"
run "explain --json" 0 "$labelctl" rules explain --json --exposure public cards.txt
has "explain --json" '^{"path":"cards.txt","revision":"[0-9a-f]*","types_revision":"[0-9a-f]*","now":'
run "explain without its file" 3 "$labelctl" rules explain gone.txt
run "explain with a wrong fact" 2 "$labelctl" rules explain --exposure open cards.txt

sed -i 's/type: credit-card/type: credit-crad/' rules.yaml
run "check mistakes" 1 "$labelctl" rules check
has "check mistakes" '^rules.yaml:6:31: error: unknown type or bundle "credit-crad"; did you mean "credit-card"?$'
has "check mistakes" "^rules.yaml: 1 error, 0 warnings$"
run "check --json" 1 "$labelctl" rules check --json
has "check --json" '"line":6,"column":31,"severity":"error","code":"unknown-type","message":".*","suggestion":"credit-card"}$'
run "test with mistakes" 2 "$labelctl" rules test
run "check without its file" 2 "$labelctl" rules check gone.yaml
exit $failed
