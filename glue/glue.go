// Package glue reads labelled text, turns it into packed batches and scores
// predictions. It knows tasks, files, labels and numbers, and no tensors.
//
// The way of the data:
//
//	Load(Options)        files → Data{Train, Eval, Test}: one Dataset a file
//	Encode(dataset, …)   every text tokenised once, into flat storage
//	Plan                 which rows make which update, from (seed, epoch)
//	(*Encoded).Batch     rows → one packed batch
//	(*Dataset).Evaluate  predictions → metrics, per-class table, majority line
//
// A data set is one of the nine GLUE tasks (tasks.go is the table of them all:
// folder, columns, labels, metrics) or a user's own file: CSV, TSV, JSON lines,
// Parquet, fastText's lines or plain text (own_rows.go has the formats), whose
// columns are found by the rules of run_glue.py (own.go).
//
// A batch is packed: the tokens of its examples lie one after another, and
// RowStarts says where each begins. There is no padding and no mask:
//
//	IDs        [CLS] a a [SEP] [CLS] b [SEP] [CLS] c c c [SEP]
//	RowStarts  0               4             7                12
//
// Reading is strict. A file is UTF-8 without NUL; a row has the columns that
// the header promises, a text and a label that the training part knows. What
// does not fit is an error of kind fault.Data that names the file and the
// line, what was found, what was expected and what to do. Where the field's
// habit is to leave rows out (QQP's broken ones), they are counted, and the
// Notes of the Dataset say which.
//
// Every random choice (hold-out, subset, order) is a function of a seed and
// of row numbers through internal/rng; nothing depends on the machine.
package glue

import "io/fs"

// Problem is the kind of the target.
type Problem int

const (
	SingleLabel Problem = iota // one class out of two or more
	MultiLabel                 // any number of classes
	Regression                 // one number
)

// String is the problem_type of a Hugging Face config.json.
func (p Problem) String() string {
	switch p {
	case MultiLabel:
		return "multi_label_classification"
	case Regression:
		return "regression"
	}
	return "single_label_classification"
}

// Example is one row of a data set.
type Example struct {
	ID     int     // row of the file, 0-based, header and blank lines not counted
	Line   int     // line of the file, 1-based
	TextA  string  // the text, or the first of a pair
	TextB  string  // the second of a pair
	Pair   bool    // whether TextB counts
	Label  int     // class id; −1 without a label and where Problem is not SingleLabel
	Score  float64 // the target of a regression
	Labels []bool  // the target of a multi-label problem, one per class
}

// Dataset is one file, or the part of it that a run uses.
type Dataset struct {
	Path       string
	SHA256     string // of the file, in hexadecimal; own data only
	Name       string // task for file names ("rte", "mnli-mm"); for own data the file's name
	Suffix     string // appended to metric names: "_mm" for MNLI's mismatched part
	Task       *Task  // nil for own data
	Problem    Problem
	LabelNames []string // by class id; of a regression one name
	Examples   []Example
	Rows       int      // rows read from the file, before subsets and limits
	Skipped    int      // rows left out because the file is known to hold broken ones
	Labelled   bool     // whether every example has a target
	MicroF1    bool     // f1 is the micro average over classes, as the PAC-tuning code has it for QQP
	Notes      []string // what a user should know: rows left out, counts that differ
}

// Data is what a run reads.
type Data struct {
	Task       *Task // nil for own data
	Problem    Problem
	LabelNames []string
	Train      *Dataset   // nil when not asked for
	Eval       []*Dataset // one; two for MNLI, unless the mismatched part is not there
	Test       []*Dataset // one; for MNLI up to three, with the diagnostic set
	Choices    []Choice   // decisions made for the user, in order
}

// Choice is a decision that the data led to, and the option that overrides it.
type Choice struct{ What, Option string }

// Notes returns the notes of all parts, in the order train, eval, test, each
// with the name of its file.
func (d *Data) Notes() []string {
	var notes []string
	parts := append(append([]*Dataset{d.Train}, d.Eval...), d.Test...)
	for _, p := range parts {
		if p == nil {
			continue
		}
		for _, n := range p.Notes {
			notes = append(notes, p.Path+": "+n)
		}
	}
	return notes
}

// Options say what to read. The comments name the command's options.
type Options struct {
	Task    string // --task_name: reads DataDir's files in GLUE's layout
	DataDir string // --data_dir: the task's folder, or the folder that holds it

	TrainFile      string // --train_file, own data (own_rows.go has the formats); "-" is the standard input
	ValidationFile string // --validation_file; without one, part of TrainFile is held out
	TestFile       string // --test_file

	Train, Eval, Test bool // which parts are wanted

	TextColumns []string // --text_column_names: one, or two for a pair
	LabelColumn string   // --label_column_name
	Asked       *Problem // --problem_type; nil: by the labels

	// Labels and Problem are those of a trained model when own data are only
	// evaluated or predicted; with Train they follow from the training file.
	Labels  []string
	Problem Problem

	MaxTrain, MaxEval, MaxTest int // --max_train_samples …: the first n rows; 0: all

	TrainSize  int    // --train_size: random rows of the training part; 0: all
	SampleSeed uint64 // --sample_seed: which rows TrainSize takes and which are held out

	FS fs.FS // where the files are; nil: the operating system's

	// Report, when not nil, is told of every row that is refused, which is left
	// out then; otherwise the first is the error of Load.
	Report func(error)
}
