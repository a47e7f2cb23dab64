#!/bin/bash
# A campaign is killed (SIGKILL) at random moments and started again until it is over: no finished run is lost, none is made
# again, and it says what it would have said. Arguments: the command `escapement`, how often to kill.
set -euo pipefail

escapement=$(realpath "$1")
kills=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
runs=$((kills * 8))
cat >plan.json <<PLAN
{"schema_version": 1, "name": "killed", "runs": $runs,
 "guests": [{"name": "pigz", "journal": true, "command": ["pigz", "-p2", "-{level}", "-c", "/bin/dash"]}],
 "settings": {"level": [1, 2]}}
PLAN

results() { find plan.results/runs -name '*.json' -exec sha256sum {} + 2>/dev/null | sort; }

touch before
killed=0
while ((killed < kills)); do
    "$escapement" campaign plan.json >out 2>errors &
    campaign=$!
    # Between nothing at all and some runs.
    sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
    kill -KILL "$campaign" 2>/dev/null || break # it was over
    wait "$campaign" 2>/dev/null || true
    killed=$((killed + 1))
    results >after
    if comm -23 before after | grep .; then
        echo "after $killed kills: the results above were lost or made again"
        exit 1
    fi
    mv after before
done
status=0
"$escapement" campaign plan.json >out 2>errors || status=$?
results >after
comm -23 before after | grep . && { echo 'lost or made again at the end'; exit 1; }
wanted=$((2 * runs))
if (($(wc -l <after) != wanted || status != 0)) || ! tr -d , <out | grep -qF "never diverged in $wanted runs"; then
    printf 'status %s, %s of %s results\n' "$status" "$(wc -l <after)" "$wanted"
    cat out errors
    exit 1
fi
[[ -z $(ls -A plan.results/work) ]] || { echo 'something is left in work'; exit 1; }
echo "$killed kills, $wanted runs, none lost, none made again"
