#!/bin/bash
# A sweep on a real Slurm: a controller and two nodes by name, all on this machine. Shows
# sinfo, squeue, a worker that is killed with -9, whose run the other takes over, and the
# results, which are those of a sweep without Slurm, to the byte.
#
#   apt-get install --no-install-recommends slurm-wlm munge
#   go build -o /tmp/pactune ./cmd/pactune && testdata/slurm/run.sh /tmp/pactune [FOLDER]
#
# Run as root; FOLDER is new. Everything that is started is ended by its number.
set -eu
pactune=$(realpath "$1")
data=$(realpath "$(dirname "$0")/../../embedded/data")
dir=${2:-$(mktemp -d)}
mkdir -p "$dir/state" "$dir/spool1" "$dir/spool2" "$dir/job"
dir=$(realpath "$dir")
started=()
finish() {
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
}
trap finish EXIT

# munge: one key for the machine, a socket in our folder
mkdir -p "$dir/munge"
head -c 128 /dev/urandom >"$dir/munge/key"
chmod 700 "$dir/munge"; chmod 600 "$dir/munge/key"
munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
	--pid-file="$dir/munge/pid" --seed-file="$dir/munge/seed" --log-file="$dir/munge/log" 2>"$dir/munge/err" &
started+=($!)

host=$(hostname -s)
cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
SlurmctldPort=16817
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmdSpoolDir=$dir/spool-%n
SlurmdLogFile=$dir/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SchedulerParameters=sched_interval=2
MpiDefault=none
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16821 CPUs=1 RealMemory=2000
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16822 CPUs=1 RealMemory=2000
PartitionName=all Nodes=node1,node2 Default=YES State=UP
CONF
export SLURM_CONF="$dir/slurm.conf"
slurmctld -D >/dev/null 2>&1 & started+=($!)
for node in node1 node2; do
	slurmd -D -N "$node" >/dev/null 2>&1 & started+=($!)
done
for _ in $(seq 60); do
	[ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && break
	sleep 1
done
echo '$ sinfo'; sinfo

# a tiny model, and a sweep of 10 runs
cd "$dir/job"
head -200 "$data/train.txt" >train.txt
head -100 "$data/dev.txt" >dev.txt
"$pactune" init --size tiny --vocab "$data/../encoder" --seed 1 model
cat >grid.yaml <<'YAML'
seeds: 1..5
options:
  model_name_or_path: model
  train_file: train.txt
  validation_file: dev.txt
  max_steps: 80
  learning_rate: 1e-3
  save_every: 1s
grid:
  method: [adamw, cwgnc]
YAML
"$pactune" sweep grid.yaml --output_dir out --threads 1 --print slurm >job.sh
echo; echo '$ pactune sweep grid.yaml --output_dir out --threads 1 --print slurm | tee job.sh'
sed "s|$pactune|pactune|" job.sh
echo; echo '$ sbatch --array=0-1 job.sh'
sbatch --array=0-1 job.sh

worker() { # the process of an array task, by the locks of the runs that it has
	for lock in out/.sweep/*.lock; do
		pid=$(sed -n 's/^process \([0-9]*\) on .*/\1/p' "$lock" 2>/dev/null || true)
		if [ -n "$pid" ] && tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "SLURM_ARRAY_TASK_ID=$1"; then
			echo "$pid"
			return
		fi
	done
}
ended() { grep -ls '"exit": "finished"' out/*/seed*/run.json | wc -l; }
for _ in $(seq 600); do
	[ "$(ended)" -ge 2 ] && victim=$(worker 0) && [ -n "$victim" ] && break
	sleep 0.2
done
echo; echo '$ squeue'; squeue
echo; echo "kill -9 of the worker of task 0 after $(ended) runs"
kill -9 "$victim"
sleep 3
echo '$ squeue'; squeue
for _ in $(seq 1200); do
	[ -z "$(squeue -h)" ] && break
	sleep 0.5
done
echo; echo '$ squeue'; squeue
for task in 0 1; do echo; echo "log of task $task:"; cat pactune-out-$task.log; done
echo; echo 'runs that were claimed twice, the second time by the other worker:'
ls out/.sweep | grep -E '^[0-9]+\.2$' || echo none
echo; echo '$ cut -d, -f1-9 out/results.csv'; cut -d, -f1-9 out/results.csv
"$pactune" sweep grid.yaml --output_dir alone --threads 2 --quiet >/dev/null
cmp out/results.csv alone/results.csv && echo 'the same bytes as without Slurm'
"$pactune" merge out
