package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/rng"
	"pactune/tokenizer"
)

// Builtin is what a binary holds: a model folder, the default where a run names
// none, and labelled texts, the job where a run names nothing at all. They are in
// file systems of their own.
type Builtin struct {
	Name           string // of the job, for the run folder
	Model          fs.FS  // the model's folder is its root
	Data           fs.FS  // nil: the run's own files
	TrainFile      string
	ValidationFile string
	Encoding       string // one line about the encoder, for the user
}

// dataOptions turns the settings into what glue reads.
func dataOptions(c *Config, b *Builtin) glue.Options {
	o := glue.Options{
		Task: c.TaskName, DataDir: c.DataDir, TrainFile: c.TrainFile, ValidationFile: c.ValidationFile, TestFile: c.TestFile,
		Train: true, Eval: c.DoEval, Test: c.DoPredict, TextColumns: c.TextColumnNames, LabelColumn: c.LabelColumnName,
		MaxTrain: c.MaxTrainSamples, MaxEval: c.MaxEvalSamples, MaxTest: c.MaxTestSamples,
		TrainSize: c.TrainSize, SampleSeed: c.SampleSeed,
	}
	if c.DataFile != "" {
		o.TrainFile = c.DataFile
	}
	for _, p := range []glue.Problem{glue.SingleLabel, glue.MultiLabel, glue.Regression} {
		if p.String() == c.ProblemType {
			o.Asked = &p
		}
	}
	if b != nil && b.Data != nil {
		o.FS, o.TrainFile, o.ValidationFile = b.Data, b.TrainFile, b.ValidationFile
	}
	return o
}

// checkProblem refuses data whose labels are not of the kind that was asked
// for.
func checkProblem(c *Config, d *glue.Data) error {
	if c.ProblemType == "auto" || c.ProblemType == d.Problem.String() {
		return nil
	}
	return fault.Errorf(fault.Usage, "--problem_type %s: the labels of %s are those of a %s; one class is a text, "+
		"several classes are a list of texts, a regression has numbers", c.ProblemType, d.Train.Path, d.Problem)
}

// shuffleLabels permutes the targets of a training set: a control in which
// nothing can be learnt that holds for other texts.
func shuffleLabels(d *glue.Dataset, seed uint64) {
	p := make([]int32, len(d.Examples))
	rng.NewKey(seed, rng.StreamSubset, stepLabels).Perm(p)
	old := append([]glue.Example(nil), d.Examples...)
	for i, from := range p {
		d.Examples[i].Label, d.Examples[i].Score, d.Examples[i].Labels = old[from].Label, old[from].Score, old[from].Labels
	}
}

// stepLabels keeps the permutation apart from the other draws of
// rng.StreamSubset, which glue numbers from 0.
const stepLabels = 100

// encodeAll tokenises evaluation or test sets.
func encodeAll(sets []*glue.Dataset, t *tokenizer.Tokenizer, maxLen, workers int) []*glue.Encoded {
	var list []*glue.Encoded
	for _, d := range sets {
		list = append(list, glue.Encode(d, t, maxLen, workers))
	}
	return list
}

// truncationNote tells how many examples lost their end, or "".
func truncationNote(e *glue.Encoded, maxLen int) string {
	l := e.Lengths()
	if l.Truncated == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d examples are longer than %d tokens and are cut (--max_seq_length; the longest uncut row has %d)",
		e.Data.Path, l.Truncated, l.Rows, maxLen, l.Max)
}

// dataFiles hashes what a run read.
func dataFilesOf(d *glue.Data, fsys fs.FS) []DataFile {
	var list []DataFile
	add := func(ds *glue.Dataset, use string) {
		f := DataFile{Path: ds.Path, Rows: ds.Rows, Use: use}
		if ds.SHA256 != "" {
			f.SHA256 = ds.SHA256
		} else if fsys == nil {
			w, _ := files.Hash(files.OS, ds.Path)
			f.SHA256 = w.SHA256
		} else if data, err := fs.ReadFile(fsys, ds.Path); err == nil {
			sum := sha256.Sum256(data)
			f.SHA256 = hex.EncodeToString(sum[:])
		}
		list = append(list, f)
	}
	add(d.Train, "train")
	for _, e := range d.Eval {
		add(e, "validation")
	}
	for _, e := range d.Test {
		add(e, "test")
	}
	return list
}
