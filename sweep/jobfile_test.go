package sweep

import (
	"os/exec"
	"strings"
	"testing"

	"pactune/internal/strictyaml"
	"pactune/train"
)

// A shell reads the words of the command as they were, and the file of Kubernetes is
// YAML with the same words.
func TestJobFile(t *testing.T) {
	p := &Plan{Dir: "out/My_sweep", Runs: make([]Run, 30)}
	words := []string{"printf", "%s\n", "sweep", "a b.yaml", "it's $HOME", "*", "--grid", "method=adamw,pac+cwgnc lr=1e-5"}
	w := &Work{Jobs: 2, Threads: 3}
	found := map[string]*train.Outlook{"": {Memory: train.Memory{Weights: 100 << 20}}}
	slurm, err := p.JobFile("slurm", words, w, found)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"#SBATCH --job-name=pactune-my-sweep\n", "#SBATCH --array=0-7\n", "#SBATCH --cpus-per-task=3\n", "#SBATCH --mem=264M\n", "#SBATCH --signal=B:TERM@120\n"} {
		if !strings.Contains(slurm, line) {
			t.Errorf("no %s in\n%s", line, slurm)
		}
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		c := exec.Command(bash, "-c", slurm)
		c.Env = []string{"SLURM_CPUS_PER_TASK=5", "PATH=/usr/bin:/bin"}
		said, err := c.Output()
		if want := strings.Join(append(words[2:], "--threads", "5"), "\n") + "\n"; string(said) != want || err != nil {
			t.Errorf("%q, %v; want %q", said, err, want)
		}
	}
	text, err := p.JobFile("kubernetes", words, w, found)
	if err != nil {
		t.Fatal(err)
	}
	v, err := strictyaml.Parse("job.yaml", []byte(text))
	for _, name := range []string{"spec", "template", "spec", "containers"} {
		var members []strictyaml.Member
		if err == nil {
			members, err = v.Members()
		}
		for _, m := range members {
			if m.Name == name {
				v = m.Value
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	containers, err := v.List()
	if err != nil || len(containers) != 1 {
		t.Fatal(containers, err)
	}
	members, err := containers[0].Members("name", "image", "command", "workingDir", "resources", "volumeMounts")
	if err != nil {
		t.Fatal(err)
	}
	command, err := members[2].Value.Texts()
	if want := append(words, "--threads", "3"); strings.Join(command, "\n") != strings.Join(want, "\n") || err != nil {
		t.Errorf("%q, %v; want %q", command, err, want)
	}
}
