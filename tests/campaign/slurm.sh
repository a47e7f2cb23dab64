#!/bin/bash
# A campaign by Slurm, on a Slurm of one node that this starts and ends. Needs root, and what `tools/setup
# packages slurm` installs; skipped (77) without. Argument: the command `escapement` to test.
set -euo pipefail

skip() {
    echo "cannot run here: $1"
    exit 77
}
escapement=$(realpath "$1")
((UID == 0)) || skip 'starting Slurm needs root'
for program in slurmctld slurmd sbatch squeue munged scancel; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "there is no $program (tools/setup packages slurm)"
done
PATH=$PATH:/usr/sbin

scratch=$(mktemp -d)
chmod 755 "$scratch"
mkdir "$scratch/munge" "$scratch/state" "$scratch/spool"
started=()
end_all() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    wait
    rm -rf "$scratch"
}
trap end_all EXIT
cd "$scratch"
host=$(hostname -s)

dd if=/dev/urandom of=munge/key bs=1024 count=1 status=none
chmod 400 munge/key
munged --foreground --force --key-file="$scratch/munge/key" --socket="$scratch/munge/socket" --pid-file="$scratch/munge/pid" \
    --log-file="$scratch/munge/log" --seed-file="$scratch/munge/seed" >/dev/null 2>&1 &
started+=($!)

cat >slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket
CryptoType=crypto/munge
SlurmUser=root
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MinJobAge=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf
for ((tenth = 0; tenth < 100; ++tenth)); do [[ ! -S munge/socket ]] || break; sleep 0.1; done
slurmctld -D >/dev/null 2>&1 &
started+=($!)
slurmd -D >/dev/null 2>&1 &
started+=($!)
for ((tenth = 0; tenth < 600; ++tenth)); do
    [[ $(sinfo --noheader --format=%t 2>/dev/null) != idle ]] || break
    sleep 0.1
done
[[ $(sinfo --noheader --format=%t) == idle ]] || {
    tail -n 20 slurmctld.log slurmd.log
    skip 'Slurm does not start here; its last words are above'
}

cat >plan.json <<'PLAN'
{"schema_version": 1, "name": "by Slurm", "runs": 12, "stock_runs": 2, "engine": "slurm", "slurm": {"most_tasks": 6},
 "guests": [{"name": "pigz", "journal": true, "replay": true, "command": ["pigz", "-p2", "-{level}", "-c", "/bin/dash"]}],
 "settings": {"level": [1, 6]}}
PLAN
results() { find plan.results/runs -name '*.json' -exec sha256sum {} + | sort; }
give_up() {
    echo "$1"
    cat out plan.results/slurm/*.log 2>/dev/null
    exit 1
}

# Submitted, then all jobs cancelled while they are at work: what was finished stays.
status=0
"$escapement" campaign plan.json >out 2>&1 || status=$?
((status == 3)) || give_up "submitted: status $status instead of 3"
grep -q '28 runs in 6 tasks' out || give_up 'not 28 runs in 6 tasks'
"$escapement" campaign plan.json >out 2>&1 && give_up 'a second submission while the first is under way'
grep -q 'Slurm is at work' out || give_up 'does not say that Slurm is at work'
for ((tenth = 0; tenth < 600; ++tenth)); do
    (($(results | wc -l) < 3)) || break
    sleep 0.1
done
scancel --me
for ((tenth = 0; tenth < 600; ++tenth)); do
    [[ -n $(squeue --noheader) ]] || break
    sleep 0.1
done
before=$(results)
[[ -n $before ]] || give_up 'nothing was finished before it was cancelled'

status=0
"$escapement" campaign plan.json --wait >out 2>&1 || status=$?
((status == 0)) || give_up "waited: status $status"
grep -qF 'never diverged in 24 runs' out || give_up 'no verdict'
comm -23 <(echo "$before") <(results) | grep . && give_up 'the results above were lost or made again'
(($(results | wc -l) == 28)) || give_up 'not 28 results'
grep -q 'never diverged\|Never diverged' plan.results/report.html || give_up 'the job behind the array wrote no report'
echo "28 runs by Slurm, $(wc -l <<<"$before") of them before the jobs were cancelled; none lost, none made again"
