#!/bin/bash
# The scripts in single quotes are for the shells that verify runs.
# shellcheck disable=SC2016
#
# End to end: `escapement verify` with small commands. Argument: the command `escapement` to test.
set -euo pipefail

escapement=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tmp"
export TMPDIR=$scratch/tmp
cd "$scratch"
failed=0

# expect STATUS TEXT ARGUMENTS…: runs verify, and wants that exit status, and the text in what it prints.
expect() {
    local wanted_status=$1 wanted_text=$2 status=0 output
    shift 2
    output=$("$escapement" verify "$@" 2>&1) || status=$?
    if ((status == wanted_status)) && grep -qF -- "$wanted_text" <<<"$output"; then return; fi
    printf 'verify %s\nwanted status %s and "%s"; got status %s and:\n%s\n\n' "$*" "$wanted_status" "$wanted_text" \
        "$status" "$output"
    failed=1
}

nothing_left() {
    local left
    left=$(ls -A "$TMPDIR")
    [[ -z $left ]] || {
        printf '%s: left in the directory for temporary files: %s\n' "$1" "$left"
        failed=1
        rm -rf "${TMPDIR:?}"/*
    }
}

# Programs that are linked dynamically and have one thread.
expect 0 'All 3 runs are the same, byte for byte' -n 3 -- cp /etc/passwd '{}'
expect 0 'stock' -n 2 --against stock -- cp /etc/passwd '{}'
# An argument that looks like a list stays what it is.
expect 0 'All 2 runs are the same' -n 2 -- sh -c 'test "$1" = "[a,b]" && echo > "$2"' x '[a,b]' '{}'
expect 0 'All 2 runs are the same' -n 2 -- sh -c '[ -d "$1" ] && echo > "$2"' x '{dir}' '{}'
nothing_left 'runs that agree'

expect 1 'first difference at byte 0' -n 2 -- sh -c 'echo "$1" | sed "s/.*-//" > "$2"' x '{dir}' '{}'
expect 1 'the console differs from byte 0, line 1' -n 2 --console '{dir}/console' -- \
    sh -c 'echo "$1" | sed "s/.*-//" > "$1/console"; echo same > "$2"' x '{dir}' '{}'
[[ -n $(ls -A "$TMPDIR") ]] || {
    echo 'the files of runs that differ are gone'
    failed=1
}
rm -rf "${TMPDIR:?}"/*

# An upgrade in the middle: two versions do not make one verdict.
mkdir -p upgraded/bin upgraded/lib
cp "$escapement" upgraded/bin
cp -r "$(dirname "$escapement")/../lib/escapement" upgraded/lib
escapement=$scratch/upgraded/bin/escapement \
    expect 2 'this program was replaced or removed while it ran' -n 2 -- \
    sh -c 'rm "$1" && echo > "$2"' x "$scratch/upgraded/bin/escapement" '{}'
rm -rf "${TMPDIR:?}"/*

expect 2 'what to run goes after --' -n 2
expect 2 'not expected: --no-such-option' --no-such-option -- cp /etc/passwd '{}'
expect 2 'put {} into COMMAND' -n 2 -- true
expect 2 'one run has nothing to be compared with' -n 1 -- cp /etc/passwd '{}'
expect 2 '--replay needs rr=record' -n 2 --replay -- cp /etc/passwd '{}'
expect 2 'no-such-program' -n 2 -- no-such-program '{}'
expect 2 'ended with exit status 3' -n 2 -- sh -c 'exit 3' '{}'
expect 2 'made no file where {} stands' -n 2 -- sh -c 'true' '{}'
# Not with sleep: virtual time jumps over it.
expect 2 'counted 2: had not ended after' -n 2 --timeout 1 -- \
    sh -c 'echo > "$1"; case $1 in *-2/*) while :; do :; done ;; esac' x '{}'
expect 2 'cannot write' -n 2 --json /no/such/directory/file -- cp /etc/passwd '{}'
rm -rf "${TMPDIR:?}"/*

expect 0 'All 2 runs' -n 2 --keep kept -- cp /etc/passwd '{}'
cmp -s /etc/passwd kept/counted-2/artifact || {
    echo 'the kept artifact is not there'
    failed=1
}
expect 2 'kept is not empty' -n 2 --keep kept -- cp /etc/passwd '{}'
TMPDIR=/no/such/directory expect 2 'set TMPDIR' -n 2 -- cp /etc/passwd '{}'

expect 0 'All 2 runs' -n 2 --json report.json --junit report.xml -- cp /etc/passwd '{}'
if command -v python3 >/dev/null; then
    python3 - <<'PYTHON' || failed=1
import json
import xml.etree.ElementTree

assert json.load(open("report.json"))["verdict"] == "agree"
suites = xml.etree.ElementTree.parse("report.xml").getroot()
assert suites.tag == "testsuites" and suites.get("tests") == "2" and suites.get("failures") == "0"
assert len(suites.findall("testsuite/testcase")) == 2
PYTHON
fi

# A signal ends it and its children, and nothing is left.
"$escapement" verify -n 2 -- sh -c 'echo half > "$1"; echo $$ > child; while :; do :; done' x '{}' 2>/dev/null &
verify=$!
for ((tries = 0; tries < 100; ++tries)); do
    [[ -s child ]] && break
    sleep 0.1
done
kill -TERM "$verify"
status=0
wait "$verify" || status=$?
((status == 128 + 15)) || {
    echo "verify ended with status $status after SIGTERM"
    failed=1
}
# Nobody may have reaped it yet.
for ((tries = 0; tries < 50; ++tries)); do
    kill -0 "$(<child)" 2>/dev/null || break
    sleep 0.1
done
! kill -0 "$(<child)" 2>/dev/null || {
    echo 'the child lives on after SIGTERM'
    failed=1
}
nothing_left 'an interrupted verify'

exit "$failed"
