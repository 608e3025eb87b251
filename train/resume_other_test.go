package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/tensor"
)

// change changes a file of a checkpoint, with the right sums in COMPLETE.
func change(t *testing.T, dir, name string, do func([]byte) []byte) {
	t.Helper()
	path, told := filepath.Join(dir, name), filepath.Join(dir, "COMPLETE")
	line := func() []byte {
		w, err := files.Hash(files.OS, path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Appendf(nil, "# %d bytes\n%s  %s\n", w.Size, w.SHA256, name)
	}
	was, before := line(), readAll(t, path)
	after := do(bytes.Clone(before))
	if bytes.Equal(before, after) {
		t.Fatalf("%s: nothing to change", path)
	}
	os.WriteFile(path, after, 0o666)
	os.WriteFile(told, bytes.Replace(readAll(t, told), was, line(), 1), 0o666)
}

func replaced(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

// An older checkpoint that is named but cannot be gone on with leaves the newer ones
// and the logs as they are.
func TestResumeFromOlderRemovesLast(t *testing.T) {
	r, root := newResumable(t, "adamw"), t.TempDir()
	r.options += "max_steps 6 "
	whole, dir := filepath.Join(root, "whole"), filepath.Join(root, "run")
	r.must(dir, "save_steps 2 save_total_limit 9", 5, false)
	older := filepath.Join(dir, "checkpoint-2")
	change(t, older, checkpoint.State, replaced(`"total_steps": 6`, `"total_steps": 7`))
	before, log := listing(t, dir), readAll(t, filepath.Join(dir, "metrics.jsonl"))
	if _, _, err := r.run(dir, "resume "+older, 0, false); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), "is not that of the log") {
		t.Errorf("a state of another run: %v", err)
	}
	if after := listing(t, dir); after != before || !bytes.Equal(readAll(t, filepath.Join(dir, "metrics.jsonl")), log) {
		t.Errorf("left %s, before %s", after, before)
	}
	os.Rename(filepath.Join(older, checkpoint.Model), filepath.Join(older, "away"))
	if _, _, err := r.run(dir, "resume "+older, 0, false); !checkpoint.Damaged(err) || !strings.Contains(err.Error(), "pactune resume "+dir+" goes on from the newest whole one") {
		t.Errorf("a damaged one that is named: %v", err)
	}
	os.Rename(filepath.Join(older, "away"), filepath.Join(older, checkpoint.Model))
	change(t, older, checkpoint.State, replaced(`"total_steps": 7`, `"total_steps": 6`))
	logPath := filepath.Join(dir, "metrics.jsonl")
	edited := bytes.Clone(log)
	edited[bytes.Index(log, []byte(`"loss":`))+7] ^= 1 // another digit
	os.WriteFile(logPath, edited, 0o666)
	if _, _, err := r.run(dir, "resume "+older, 0, false); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), "the log was changed") || listing(t, dir) != before {
		t.Errorf("a loss that was edited: %v", err)
	}
	os.WriteFile(logPath, log, 0o666)
	withoutSums := func(b []byte) []byte { // of a version without sums
		return regexp.MustCompile(`\{\s*"bytes": (\d+),\s*"sha256": "\w+"\s*\}`).ReplaceAll(b, []byte("$1"))
	}
	change(t, older, checkpoint.State, withoutSums)
	r.must(whole, "", 0, false)
	_, notes, err := r.run(dir, "save_total_limit 9 resume "+older, 0, false)
	if want := "warning: " + dir + ": removed, because the run goes on from before it: checkpoint-4, checkpoint-5\n"; err != nil || !strings.Contains(strings.Join(notes, "\n"), want) {
		t.Errorf("%v: %q lack %q", err, notes, want)
	}
	r.equal("from an older checkpoint", whole, dir)
}

// With a damaged checkpoint of the best evaluation the run ends with its last weights,
// and says so.
func TestDamagedBest(t *testing.T) {
	r, dir := newResumable(t, "best"), filepath.Join(t.TempDir(), "run")
	r.options += "max_steps 12 metric_for_best_model accuracy learning_rate 1e-9 " // the first of equals
	var notes []string
	damage := func(s *StepRecord, _ Timing) {
		if s.Step == 12 {
			os.Remove(filepath.Join(dir, "checkpoint-5", checkpoint.Model))
		}
	}
	c := settings(t, r.options+"output_dir "+dir)
	res, err := Run(context.Background(), c, nil, Hooks{OnStep: damage, OnWarn: func(text string) { notes = append(notes, text) }})
	if err != nil || res.Best.Step != 5 {
		t.Fatalf("%+v, %v", res, err)
	}
	if text := strings.Join(notes, "\n"); !strings.Contains(text, "the model is that after the last update, 12: the evaluation after update 5 was the best, but its checkpoint is damaged: "+dir) {
		t.Errorf("notes: %s", text)
	}
	// The model has float32, a checkpoint the numbers of the build.
	if tensor.FloatBytes == 4 && !bytes.Equal(readAll(t, filepath.Join(dir, "model.safetensors")), readAll(t, filepath.Join(dir, "checkpoint-12", checkpoint.Model))) {
		t.Error("the model is not that after the last update")
	}
	if len(res.Evals) != 1 || res.Evals[0].Step != 12 {
		t.Errorf("evaluations: %+v", res.Evals)
	}
}

// A run in bfloat16 that goes on where products have other bits is told so.
func TestResumeWithOtherProducts(t *testing.T) {
	if tensor.FloatBytes == 8 {
		t.Skip("float64 has no bf16")
	}
	r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
	r.options += "max_steps 4 precision bf16 "
	r.must(dir, "", 2, false)
	is := settings(t, "precision bf16").Products()
	other := map[string]string{"fma": "bfmmla", "bfmmla": "fma", "amx": "fma"}[is]
	change(t, filepath.Join(dir, "checkpoint-2"), checkpoint.State, replaced(`"products": "`+is+`"`, `"products": "`+other+`"`))
	_, notes, err := r.run(dir, "resume auto", 3, false)
	if text := strings.Join(notes, "\n"); err != nil || !strings.Contains(text, "warning: precision bf16: the run was saved on a machine whose products are "+other+", here they are "+is) {
		t.Errorf("%v: %s", err, text)
	}
	_, notes, err = r.run(dir, "resume auto", 0, false)
	if text := strings.Join(notes, "\n"); err != nil || strings.Contains(text, "products") {
		t.Errorf("where it was saved: %v: %s", err, text)
	}
}

// A run whose weights are of no use ends as diverged, whatever it was before.
func TestDivergedWithoutWeights(t *testing.T) {
	if tensor.FloatBytes == 8 {
		t.Skip("float64 holds whatever comes of the float32 numbers of a file")
	}
	r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
	r.options += "max_steps 4 "
	r.must(dir, "", 2, false)
	change(t, filepath.Join(dir, "checkpoint-2"), checkpoint.Model, func(b []byte) []byte {
		for at := 8 + int(binary.LittleEndian.Uint64(b)); at < len(b); at += 4 {
			binary.LittleEndian.PutUint32(b[at:], math.Float32bits(3e38))
		}
		return b
	})
	if _, _, err := r.run(dir, "resume auto", 0, false); fault.KindOf(err) != fault.Diverged || !strings.Contains(err.Error(), "no good weights are left") {
		t.Errorf("%v", err)
	}
	if text := string(readAll(t, filepath.Join(dir, "run.json"))); !strings.Contains(text, `"exit": "diverged: update 3: the loss is NaN`) {
		t.Errorf("run.json is\n%s", text)
	}
	if _, _, err := r.run(dir, "resume auto", 0, false); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "would again") {
		t.Errorf("resumed: %v", err)
	}
}

// The operations are those that transformers counts: this model has 2034 parameters
// outside its tables (num_parameters(exclude_embeddings=True)), an epoch 500 tokens.
func TestFLOs(t *testing.T) {
	r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
	r.options += "head pooler num_train_epochs 1 eval_strategy no "
	r.must(dir, "", 8, false)
	r.must(dir, "resume auto", 0, false)
	for _, name := range []string{"all_results.json", "train_results.json", "trainer_state.json"} {
		var results struct {
			FLOs float64 `json:"total_flos"`
		}
		if err := json.Unmarshal(readAll(t, filepath.Join(dir, name)), &results); err != nil || results.FLOs != 6*2034*500 {
			t.Errorf("%s: %v, %v, want %d", name, results.FLOs, err, 6*2034*500)
		}
	}
}
