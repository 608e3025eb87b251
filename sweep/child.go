package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/strictjson"
	"pactune/train"
)

// outcome is how the process of a run ended.
type outcome struct {
	code    int // -1: by a signal
	message string
}

// start runs pactune train in a process of its own and waits for it. When ctx ends,
// or our own process does, its standard input ends, and with it the run, in good
// order.
func start(ctx context.Context, args []string) (outcome, error) {
	program, err := os.Executable()
	if err != nil {
		return outcome{}, fault.Errorf(fault.Internal, "cannot find this program to start a run: %w", err)
	}
	c := exec.Command(program, append([]string{"train"}, args...)...)
	c.Env = append(os.Environ(), train.UntilEOF+"=1")
	var said tail
	c.Stderr = &said
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return outcome{}, fault.Errorf(fault.Internal, "cannot start a run: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { in.Close() })
	defer stop()
	c.Wait() // its error is the exit code
	o := outcome{c.ProcessState.ExitCode(), said.message()}
	if o.message == "" {
		o.message = c.ProcessState.String()
	}
	return o, nil
}

// tail keeps the last of what a process says.
type tail struct{ text []byte }

const tailBytes = 1 << 13

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// message is the error in it: the last line that the command gave as one, else the
// last line that is no warning. Warnings are in the run.json of the run.
func (t *tail) message() string {
	said, last := "", ""
	for _, line := range strings.Split(strings.TrimSpace(string(t.text)), "\n") {
		if text, own := strings.CutPrefix(line, "pactune: "); own {
			said = text
		} else if !strings.HasPrefix(line, "warning ") {
			last = line
		}
	}
	return train.Clean(cmp.Or(said, last))
}

// manifest is what run.json says of how a run ended.
type manifest struct {
	Exit  string `json:"exit"`
	Steps int    `json:"steps"`
}

// readManifest reads the run.json of a run, empty where there is none yet.
func (p *Plan) readManifest(r *Run) manifest {
	var m manifest
	text, err := bounded.ReadFile(nil, p.path(r.Folder, "run.json"), bounded.Settings)
	if err != nil || strictjson.Unmarshal(text, &m) != nil {
		return manifest{}
	}
	return m
}

// How a run has ended.
const (
	finished = "finished"
	diverged = "diverged"
	failed   = "failed"
)

// ended is finished, diverged, or "" for a run that is to be made or to go on.
func (p *Plan) ended(r *Run) string {
	m := p.readManifest(r)
	switch {
	case m.Exit == finished:
		return finished
	case strings.HasPrefix(m.Exit, diverged):
		return diverged
	}
	return ""
}

// recordDiverged leaves the run.json of a run of which train left nothing: that it
// diverged is a result. o is the outlook of its cell.
func (p *Plan) recordDiverged(r *Run, message string, o *train.Outlook) error {
	c, err := p.config(r, nil)
	if err == nil {
		err = c.Resolve(o.Facts)
	}
	if err != nil {
		return err
	}
	weights, _ := files.Hash(files.OS, filepath.Join(o.Model, weightsName)) // as train: none of the encoder in the binary
	text, err := json.MarshalIndent(map[string]any{
		"program": "pactune", "build": train.Build(), "cpu": train.CPU(), "exit": diverged + ": " + message, "steps": 0,
		"argv":   append([]string{"pactune", "train"}, r.Args...),
		"config": c.Values(),
		"seeds":  map[string]any{"seed": c.Seed, "data_seed": c.DataSeed, "sample_seed": c.SampleSeed},
		"data":   append([]train.DataFile{}, o.Data...),
		"model":  map[string]any{"path": o.Model, "sha256": weights.SHA256, "parameters": o.Parameters, "trainable": o.Trainable},
	}, "", "  ")
	if err != nil {
		return fault.Errorf(fault.Internal, "run.json: %w", err)
	}
	if err := p.makeFolder(r.Folder); err != nil {
		return err
	}
	return p.write(r.Folder+"/run.json", append(text, '\n'))
}
