#!/bin/bash
# `escapement campaign` with small real programs: what it finds, what it refuses, how it is ended and goes on. Argument: the
# command `escapement` to test.
# The {} and {dir} in quotes are for the plans.
# shellcheck disable=SC2016
set -euo pipefail

escapement=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0

# expect STATUS TEXT ARGUMENTS…: runs campaign, and wants that exit status, and the text in what it prints.
expect() {
    local wanted_status=$1 wanted_text=$2 status=0 output
    shift 2
    output=$("$escapement" campaign "$@" 2>&1) || status=$?
    if ((status == wanted_status)) && grep -qF -- "$wanted_text" <<<"$output"; then return; fi
    printf 'campaign %s\nwanted status %s and "%s"; got status %s and:\n%s\n\n' "$*" "$wanted_status" "$wanted_text" \
        "$status" "$output"
    failed=1
}

# All results, with their contents: a run that is made again has another time of beginning and duration.
fingerprint() { find "$1/runs" -name '*.json' -exec sha256sum {} + | sort; }

cat >same.json <<'PLAN'
{"schema_version": 1, "name": "same", "runs": 4, "stock_runs": 2,
 "guests": [{"name": "pigz", "journal": true, "replay": true, "command": ["pigz", "-p2", "-{level}", "-c", "/bin/dash"]},
            {"name": "copy", "command": ["cp", "/bin/dash", "{}"]}],
 "settings": {"level": [1, 6], "policy": ["counted"]}, "limits": {"timeout_seconds": 60}}
PLAN
expect 0 'never diverged in 12 runs, so the rate is below 28 % with 95 % confidence' same.json
before=$(fingerprint same.results)
(($(wc -l <<<"$before") == 18)) || { echo "not 18 results: $before"; failed=1; }
expect 0 'never diverged in 12 runs' same.json
[[ $before == "$(fingerprint same.results)" ]] || { echo 'runs were made again'; failed=1; }

# Whoever loses a result makes that run again, and no other.
rm same.results/runs/00001/0000002.json
expect 0 '17 of 18 runs are there already' same.json
[[ $(diff <(echo "$before") <(fingerprint same.results) | grep -c '^>') == 1 ]] || { echo 'not one run was made again'; failed=1; }

sed 's/"runs": 4/"runs": 5/' same.json >other.json
expect 2 'has the results of another plan: /runs: 4 and 5 there and in this one' other.json -o same.results
mkdir -p full/of/things
expect 2 'is no directory of a campaign' same.json -o full
echo '{"schema_version": 1, "name": "n", "runs": 0, "guests": []}' >bad.json
expect 2 'bad.json: /guests: it is empty' bad.json
echo '{"schema_version": 1, "name": "n", "runs": 2, "guests": [{"name": "a", "command": ["true"]}]}' >bad.json
expect 2 'bad.json: /guests/0/command: nothing to compare' bad.json

# What differs is found: each process has a number of its own.
cat >differs.json <<'PLAN'
{"schema_version": 1, "name": "differs", "runs": 3,
 "guests": [{"name": "number", "command": ["bash", "-c", "echo $$ >{}"]}, {"name": "fails", "command": ["bash", "-c", ": >{}; exit 7"]}],
 "kept_differences": 1}
PLAN
expect 1 'ended with exit status 7' differs.json
(($(find differs.results/different -mindepth 1 -maxdepth 1 | wc -l) == 1)) || { echo 'not one kept'; failed=1; }
expect 0 "2 runs differ by file's contents" report differs.results -o page.html --json page.json
grep -q '<title>Campaign: differs</title>' page.html || { echo 'no page'; failed=1; }
grep -q '"differing": 2' page.json || { echo 'no JSON'; failed=1; }

# SIGTERM ends it at once, and what was made stays.
cat >slow.json <<'PLAN'
{"schema_version": 1, "name": "slow", "runs": 3, "guests": [{"name": "sleeps", "command": ["bash", "-c", "sleep 0.{n}; echo x >{}"]}],
 "settings": {"time": ["real"], "n": ["01", "9"]}}
PLAN
"$escapement" campaign slow.json 2>/dev/null &
campaign=$!
while [[ ! -e slow.results/runs/00001/0000001.json ]]; do sleep 0.05; done
kill -TERM "$campaign"
status=0
wait "$campaign" || status=$?
((status == 143)) || { echo "SIGTERM: exit status $status"; failed=1; }
before=$(fingerprint slow.results)
expect 0 'never diverged in 6 runs' slow.json
comm -23 <(echo "$before") <(fingerprint slow.results) | grep . && { echo 'SIGTERM: runs were lost or made again'; failed=1; }

exit "$failed"
