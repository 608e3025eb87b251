package train

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"

	"pactune/hub"
	"pactune/internal/plural"
)

// writeCard writes README.md, the model card, in the form that the Hub reads.
func writeCard(w io.Writer, s *Finish, h *history) error {
	b := bufio.NewWriter(w)
	name, base, data := s.Config.cardNames()
	fmt.Fprintf(b, "---\nlibrary_name: transformers\n")
	if base != "" {
		fmt.Fprintf(b, "base_model: %s\n", yamlText(base))
	}
	fmt.Fprint(b, s.Licence.FrontMatter())
	fmt.Fprintf(b, "tags:\n- generated_from_trainer\n- pactune\n")
	if s.Config.TaskName != "" {
		fmt.Fprintf(b, "datasets:\n- glue\n")
	}
	var last *EvalRecord
	if len(s.Result.Evals) > 0 {
		last = s.Result.Evals[0]
		fmt.Fprintf(b, "metrics:\n")
		for _, m := range last.Metrics {
			fmt.Fprintf(b, "- %s\n", m.Name)
		}
	}
	fmt.Fprintf(b, "model-index:\n- name: %s\n", yamlText(name))
	if last != nil {
		cardIndex(b, last, data)
	} else {
		fmt.Fprintf(b, "  results: []\n")
	}
	fmt.Fprintf(b, "---\n\n<!-- This model card was generated automatically from what the run knows. It should be proofread and completed. -->\n\n")
	fmt.Fprintf(b, "# %s\n\n", Markdown(name))
	start := "the encoder inside pactune"
	if base != "" {
		start = "`" + strings.ReplaceAll(Clean(base), "`", "'") + "`"
	}
	fmt.Fprintf(b, "This model was fine-tuned from %s on %s with pactune %s (method %s).\n", start, Markdown(data), Version, s.Config.Method)
	if s.Exit != "finished" {
		fmt.Fprintf(b, "\n**The run did not end by itself: %s.**\n", Markdown(s.Exit))
	}
	for _, e := range s.Result.Evals {
		cardResults(b, e)
	}
	cardTraining(b, s, h)
	return b.Flush()
}

func (c *Config) cardNames() (name, base, data string) {
	base = c.ModelNameOrPath
	if base != "" && (isFolder(base) || !hub.IsName(base)) { // the Hub links a name
		base = filepath.Base(filepath.Clean(base))
	}
	data = "the texts inside pactune"
	switch {
	case c.TaskName != "":
		data = "GLUE " + c.TaskName
	case c.TrainFile != "":
		data = filepath.Base(c.TrainFile)
	case c.DataFile != "":
		data = filepath.Base(c.DataFile)
	}
	name = c.RunName
	if name == "" && c.OutputDir != "" {
		name = filepath.Base(filepath.Clean(c.OutputDir))
	}
	if name == "" {
		name = slug(data) + "-" + c.Method
	}
	return name, base, data
}

func cardIndex(b io.Writer, e *EvalRecord, data string) {
	fmt.Fprintf(b, "  results:\n  - task:\n      name: Text Classification\n      type: text-classification\n")
	fmt.Fprintf(b, "    dataset:\n      name: %s\n      type: %s\n", yamlText(data), yamlText(slug(data)))
	fmt.Fprintf(b, "    metrics:\n")
	for _, m := range e.Metrics {
		fmt.Fprintf(b, "    - name: %s\n      type: %s\n      value: %s\n", m.Name, m.Name, yamlNumber(m.Value))
	}
}

func cardResults(b io.Writer, e *EvalRecord) {
	fmt.Fprintf(b, "\nIt reaches on the %s of the evaluation set%s:\n\n- Loss: %.4f\n", plural.Of(e.Samples, "example"), suffixText(e.Suffix), e.Loss)
	for _, m := range e.Metrics {
		fmt.Fprintf(b, "- %s: %.4f", m.Name, m.Value)
		if v, ok := e.Majority.Value[m.Name]; ok {
			fmt.Fprintf(b, " (majority line %.4f)", v)
		}
		fmt.Fprintln(b)
	}
	if len(e.Classes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| class | precision | recall | F1 | examples |\n|---|---|---|---|---|\n")
	for _, c := range e.Classes {
		fmt.Fprintf(b, "| %s | %.4f | %.4f | %.4f | %d |\n", Markdown(c.Label), c.Precision, c.Recall, c.F1, c.Support)
	}
}

func cardTraining(b io.Writer, s *Finish, h *history) {
	c := s.Config
	fmt.Fprintf(b, "\n## Training\n\nThe following hyperparameters were used:\n\n")
	for i := range listed {
		o := &listed[i]
		if v := o.text(c); v != "" && c.matters(o) {
			fmt.Fprintf(b, "- %s: %s\n", o.Name, Markdown(v))
		}
	}
	fmt.Fprintf(b, "- seed: %d\n", c.Seed)
	elsewhere := ""
	if c.OutputDir != "" {
		elsewhere = " --output_dir NEW"
	}
	fmt.Fprintf(b, "\n`pactune train training_args.json%s` repeats the run to the bit; `run.json` names its data by their SHA-256.\n", elsewhere)
	if len(h.evals) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### Evaluations\n\n| epoch | step | validation loss |")
	for _, m := range h.evals[0].Metrics {
		fmt.Fprintf(b, " %s |", m.Name)
	}
	fmt.Fprintf(b, "\n|%s\n", strings.Repeat("---|", 3+len(h.evals[0].Metrics)))
	for _, e := range h.evals {
		fmt.Fprintf(b, "| %.2f | %d | %.4f |", e.Epoch, e.Step, e.Loss)
		for _, m := range e.Metrics {
			fmt.Fprintf(b, " %.4f |", m.Value)
		}
		fmt.Fprintln(b)
	}
}

// matters tells whether an option belongs into the list of hyperparameters.
func (c *Config) matters(o *Option) bool {
	switch o.Group {
	case "Run", "Data", "Evaluation and log", "Checkpoints":
		return false
	case "PAC-tuning":
		return c.PAC()
	case "Component-wise clipping":
		return c.ClipComponent != "off" && o.Name != "component_steps"
	case "Gradual unfreezing":
		return c.unfreezes()
	}
	return o.Name != "per_device_eval_batch_size" && o.Name != "ignore_mismatched_sizes"
}

// yamlText quotes s; a JSON string is a YAML one.
func yamlText(s string) string { return string(appendJSONString(nil, s)) }

func yamlNumber(v float64) string {
	if s := fmt.Sprintf("%.4f", v); s != "NaN" && s != "+Inf" && s != "-Inf" {
		return s
	}
	return ".nan"
}

// Markdown escapes what Markdown or HTML would take for markup, and leaves out
// what would break a line or reorder what is read.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\\`*[]<>|#&", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
