package classify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/tensor"
	"pactune/tokenizer"
	"pactune/train"
)

// transformersJob is a run whose folder transformers has read, recorded by
// testdata/generate/read_run.py.
type transformersJob struct {
	Name, Model string            // the model is "init" or the run of an earlier job
	Options     string            // "name value …"
	SHA256      map[string]string // of the files that transformers read
	Logits      [][]float64       // its answers to the validation file, computed in float64
}

// option returns the value of one of the job's options.
func (j *transformersJob) option(name string) string {
	_, after, _ := strings.Cut(" "+j.Options, " "+name+" ")
	value, _, _ := strings.Cut(after, " ")
	return value
}

// run trains as the job says, in dir, which holds the folders of all jobs.
func (j *transformersJob) run(t *testing.T, dir string) (folder string) {
	t.Helper()
	folder = filepath.Join(dir, j.Name)
	args := []string{"--model_name_or_path", filepath.Join(dir, j.Model), "--output_dir", folder}
	for i, word := range strings.Fields(j.Options) {
		if i%2 == 0 {
			word = "--" + word
		}
		args = append(args, word)
	}
	c, err := train.ParseArgs(args)
	if err == nil {
		_, err = train.Run(context.Background(), c, nil, train.Hooks{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// pairs reads the texts that the job is evaluated on; single texts have no B.
func (j *transformersJob) pairs(t *testing.T) (out []Pair) {
	t.Helper()
	data, err := os.ReadFile(j.option("validation_file"))
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		var row struct{ Text, Sentence1, Sentence2 string }
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		out = append(out, Pair{row.Text + row.Sentence1, row.Sentence2})
	}
	return out
}

// predict answers like Predict or PredictPairs, as the texts are.
func predict(t *testing.T, c *Classifier, pairs []Pair) []Result {
	t.Helper()
	ask := func() ([]Result, error) { return c.PredictPairs(context.Background(), pairs) }
	if pairs[0].B == "" {
		var texts []string
		for _, p := range pairs {
			texts = append(texts, p.A)
		}
		ask = func() ([]Result, error) { return c.Predict(context.Background(), texts) }
	}
	results, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// apart is how far scores are from those that the logits give: in the value of
// a regression, in the log-odds of several labels, in the log-odds to the first
// of many classes.
func apart(problem string, scores, logits []float64) (worst float64) {
	for i, z := range logits {
		got := scores[i]
		switch problem {
		case "regression":
		case "multi_label_classification":
			got = math.Log(got / (1 - got))
		default:
			got, z = math.Log(got/scores[0]), z-logits[0]
		}
		worst = max(worst, math.Abs(got-z))
	}
	return worst
}

// initFolder writes the model that the jobs start from: `pactune init --size
// tiny --seed 1`.
func initFolder(t *testing.T, dir string) {
	t.Helper()
	vocab, err := os.Open("../testdata/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer vocab.Close()
	tok, err := tokenizer.FromVocab(vocab, vocab.Name(), tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	config, err := bert.Sized("tiny", tok.VocabSize())
	if err != nil {
		t.Fatal(err)
	}
	m, err := bert.New(config, bert.HeadNone, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(1)
	folder, err := train.NewFolder(&train.Config{OutputDir: filepath.Join(dir, "init")})
	if err == nil {
		err = train.WriteModel(folder.Write, m, tok)
	}
	if err == nil {
		err = folder.Publish()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Runs of every method and kind of problem have the files, to the byte, that
// transformers has read, and their answers are those that it gave. With -short
// the first run has to do.
func TestTransformersReadsRuns(t *testing.T) {
	if tensor.F64 {
		t.Skip("training in float64 gives other weights than those that transformers read")
	}
	text, err := os.ReadFile("testdata/transformers.json")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []transformersJob
	if err := json.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		jobs = jobs[:1]
	}
	dir := t.TempDir()
	initFolder(t, dir)
	for _, j := range jobs {
		folder := j.run(t, dir)
		for name, want := range j.SHA256 {
			data, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s: %s is another file than transformers has read: record again with testdata/generate/read_run.py", j.Name, name)
			}
		}
		c, err := Load(folder, WithMaxLength(128))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		pairs := j.pairs(t)
		if len(pairs) != len(j.Logits) || len(j.SHA256) < 5 {
			t.Fatalf("%s: %d texts, %d recorded, %d files", j.Name, len(pairs), len(j.Logits), len(j.SHA256))
		}
		worst := 0.0
		for i, r := range predict(t, c, pairs) {
			worst = max(worst, apart(c.model.Config.ProblemType, r.Scores, j.Logits[i]))
		}
		// The logits, of up to 6, are float32 at the end of two layers of
		// sums of 128 to 512 products: their last bits, 5e-7, are some units
		// off. The answers to two texts are 3 apart and more.
		t.Logf("%s: %d texts, worst difference %.1e", j.Name, len(pairs), worst)
		if worst > 1e-5 {
			t.Errorf("%s: an answer is %.1e from that of transformers", j.Name, worst)
		}
	}
}
