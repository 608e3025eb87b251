package sweep

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/plural"
	"pactune/train"
)

// workers is how many a job file asks for at most: its user knows the cluster.
const workers = 8

// JobFile is what a cluster takes to work on a sweep: a Slurm array of workers, or an
// indexed job of Kubernetes, each of which runs command. The memory is the forecast of
// Look.
func (p *Plan) JobFile(kind string, command []string, w *Work, found map[string]*train.Outlook) (string, error) {
	j := clusterJob{name: jobName(p.Dir), runs: len(p.Runs), workers: min(workers, len(p.Runs)), threads: train.Threads(w.Threads), command: command}
	for _, o := range found {
		j.megabytes = max(j.megabytes, (o.Memory.Total()*int64(w.Jobs))>>20+64) // 64 for the worker itself
	}
	switch kind {
	case "slurm":
		return j.slurm(), nil
	case "kubernetes":
		return j.kubernetes(), nil
	}
	return "", fault.Errorf(fault.Usage, "--print %q: expected slurm or kubernetes", kind)
}

// clusterJob is what a job file says.
type clusterJob struct {
	name                   string
	runs, workers, threads int
	megabytes              int64 // 0 when no run is left to look at
	command                []string
}

// jobName is a name that both take: lower case, no more than 40 letters.
func jobName(dir string) string {
	base := filepath.Base(dir)
	name := strings.ToLower(strings.NewReplacer("_", "-", ".", "-", "+", "-", "=", "-").Replace(unsafe.ReplaceAllString(base, "-")))
	return strings.Trim("pactune-"+name[:min(len(name), 32)], "-")
}

func (j *clusterJob) slurm() string {
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/bash
# %s. Start with sbatch, from the folder where the paths below hold and which every
# node sees. The workers share the runs; there may be more or fewer of them (--array),
# and when one ends early the others take over what it had.
#SBATCH --job-name=%s
#SBATCH --array=0-%d
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=%d
`, plural.Of(j.runs, "run"), j.name, j.workers-1, j.threads)
	if j.megabytes > 0 {
		fmt.Fprintf(&b, "#SBATCH --mem=%dM\n", j.megabytes)
	}
	b.WriteString("#SBATCH --output=%x-%a.log\n#SBATCH --open-mode=append\n#SBATCH --requeue\n")
	b.WriteString("# two minutes before the time is over the runs are saved\n#SBATCH --signal=B:TERM@120\n\nexec")
	for _, word := range j.command {
		b.WriteString(" " + quoted(word))
	}
	b.WriteString(" --threads \"$SLURM_CPUS_PER_TASK\"\n")
	return b.String()
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,/:@%", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func (j *clusterJob) kubernetes() string {
	words := make([]string, 0, len(j.command)+2)
	for _, word := range append(append([]string{}, j.command...), "--threads", strconv.Itoa(j.threads)) {
		text, _ := json.Marshal(word) // of a string: no error; a JSON string is one of YAML
		words = append(words, string(text))
	}
	memory := ""
	if j.megabytes > 0 {
		memory = fmt.Sprintf(", memory: %dMi", j.megabytes)
	}
	return fmt.Sprintf(`# %s. Give it an image with pactune, and a volume that every pod can write to, with
# the grid, the data and the model. The workers share the runs; there may be more or fewer
# of them, and when one ends early the others take over what it had.
apiVersion: batch/v1
kind: Job
metadata:
  name: %s
spec:
  completionMode: Indexed
  completions: %d
  parallelism: %d
  backoffLimit: 20
  podFailurePolicy:
    rules:
    # a pod that is moved to another node is no failure
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget}]
    # wrong options, data or model: no other try helps
    - action: FailJob
      onExitCodes: {operator: In, values: [2, 3, 4]}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 120
      containers:
      - name: pactune
        image: IMAGE
        command: [%s]
        workingDir: /work
        resources:
          requests: {cpu: %d%s}
          limits: {cpu: %d%s}
        volumeMounts:
        - {name: work, mountPath: /work}
      volumes:
      - name: work
        persistentVolumeClaim: {claimName: CLAIM}
`, plural.Of(j.runs, "run"), j.name, j.workers, j.workers, strings.Join(words, ", "), j.threads, memory, j.threads, memory)
}
