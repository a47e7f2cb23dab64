#!/bin/bash
# `escapement --version` and `escapement doctor` as somebody types them, on whatever host this is. Argument: the command
# `escapement`.
set -euo pipefail

escapement=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    printf 'doctor_command: %s\n' "$*" >&2
    exit 1
}

# examine STATUS ARGUMENTS…: the doctor's words into $work/text; it is to end with STATUS.
examine() {
    local expected=$1 status=0
    shift
    "$escapement" doctor "$@" >"$work/text" 2>"$work/errors" || status=$?
    [[ $status == "$expected" ]] || fail "doctor $* ended with status $status, not $expected: $(cat "$work/errors")"
}

# has PATTERN: a line of what it said.
has() { grep -qE "$1" "$work/text" || fail "no line like '$1' in: $(cat "$work/text")"; }

kernel=$(uname -r | sed 's/[.+]/\\&/g')
"$escapement" --version >"$work/text"
has '^escapement [0-9]+\.[0-9]+\.[0-9]+$'
has '^built with: .+'
has "^host: Linux $kernel $(uname -m), .+"

program=$(readlink -f "$(command -v sleep)")
examine 0
has "^ok +kernel +$kernel"
has '^ok +preload library +/'
has '^  operations  yes '
examine 0 -- "$program" 1
has '^ok +program +'
examine 1 -- "$work/nothing"
has '^bad +program +'
has '^Threads CANNOT be ordered'
printf '#!/bin/sh\n' >"$work/script"
examine 1 -- "$work/script"
has 'may be run|chmod'

for words in '' "$program"; do
    examine 0 --json ${words:+-- "$words"}
    python3 - "$work/text" <<'PYTHON' || fail "its JSON is not as --help says"
import json, sys
found = json.load(open(sys.argv[1]))
assert found["verdict"], "no verdict"
for finding in found["findings"]:
    assert set(finding) == {"name", "state", "value", "why", "remedy"}, finding
    assert finding["state"] in ("ok", "info", "warning"), finding
PYTHON
done
if [[ -e /dev/full ]]; then
    status=0
    "$escapement" doctor >/dev/full 2>"$work/text" || status=$?
    [[ $status == 2 ]] || fail "status $status where its words could not be written, not 2"
    has 'cannot write'
fi
