package pretrain

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pactune/train"
)

// finish writes the model and what there is to say about the run.
func (r *run) finish() error {
	f, end := r.folder, time.Now()
	if err := r.t.finite(); err != nil {
		return err
	}
	if err := train.WriteModel(f.Write, r.t.model, r.tok); err != nil {
		return err
	}
	results := r.results()
	manifest := train.Manifest(&train.Finish{Config: r.cfg.Config, Plan: r.plan, Result: &train.Result{Steps: r.done.Step},
		Model: train.ModelFile{Path: r.cfg.ModelNameOrPath}, Data: r.dataFiles(), Argv: os.Args, Start: r.start, End: end, Exit: "finished", Notes: r.notes})
	manifest["config"] = r.cfg.values()
	for _, write := range []func() error{
		func() error { return f.WriteJSON("all_results.json", 4, results) },
		func() error { return f.WriteJSON("training_args.json", 2, r.cfg.values()) },
		func() error { return f.WriteJSON(originName, 2, &r.origin) },
		func() error { return r.terms.Write(f.Write) },
		func() error { return f.Write("README.md", r.card) },
		func() error { return f.Seal(manifest) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	if r.hooks.OnSave != nil {
		r.hooks.OnSave(f.Path())
	}
	return nil
}

func (r *run) dataFiles() []train.DataFile {
	var list []train.DataFile
	for _, f := range r.text.Files() {
		list = append(list, train.DataFile{Path: f.Path, SHA256: f.SHA256, Rows: int(f.Lines), Use: "train"})
	}
	return list
}

// results are those of all_results.json.
func (r *run) results() map[string]any {
	m := map[string]any{"epoch": r.t.rec.Epoch, "train_loss": r.t.rec.Loss, "train_tokens": r.done.Tokens, "steps": r.done.Step,
		"unigram_loss": r.stats.UnigramNats}
	if r.last != nil {
		m["eval_loss"], m["perplexity"], m["eval_samples"] = r.last.Loss, r.last.Metrics[0].Value, r.last.Samples
	}
	return m
}

// card writes README.md in the form that the Hub reads.
func (r *run) card(out io.Writer) error {
	w, c := bufio.NewWriter(out), r.cfg
	name := c.RunName
	if name == "" {
		name = filepath.Base(r.folder.Path())
	}
	fmt.Fprintf(w, "---\nlibrary_name: transformers\n%spipeline_tag: fill-mask\ntags:\n- fill-mask\n- pactune\n---\n\n", r.terms.FrontMatter())
	fmt.Fprintf(w, "<!-- This model card was generated automatically from what the run knows. It should be proofread and completed. -->\n\n# %s\n\n", train.Markdown(name))
	fmt.Fprintf(w, "A BERT of %s, pretrained by masked language modelling with pactune %s on %d tokens of:\n\n", r.plan.Model, train.Version, r.done.Tokens)
	for _, f := range r.text.Files() {
		fmt.Fprintf(w, "- %s (%d bytes, SHA-256 %s)\n", train.Markdown(filepath.Base(f.Path)), f.Size, f.SHA256)
	}
	if r.last != nil {
		fmt.Fprintf(w, "\nHeld-out loss %.4f (perplexity %.2f) over %d masked tokens; guessing by frequency alone has %.4f.\n",
			r.last.Loss, r.last.Metrics[0].Value, r.last.Samples, r.stats.UnigramNats)
	}
	fmt.Fprintf(w, "\n## Training\n\n`training_args.json` holds every setting; `metrics.jsonl` the loss of every update and the held-out loss.\n\n")
	for _, o := range c.settings() {
		fmt.Fprintf(w, "- %s\n", train.Markdown(o))
	}
	return w.Flush()
}

// settings lists the settings that shape the result, one a line.
func (c *Config) settings() []string {
	list := []string{fmt.Sprintf("mlm_probability: %g", c.MLMProbability), fmt.Sprintf("mask_replace_prob: %g", c.MaskShare),
		fmt.Sprintf("random_replace_prob: %g", c.RandomShare), fmt.Sprintf("whole_word_mask: %t", c.WholeWord)}
	if c.ModelNameOrPath == "" {
		list = append(list, "init: "+c.Init)
	}
	for _, name := range strings.Fields("max_seq_length per_device_train_batch_size gradient_accumulation_steps learning_rate lr_scheduler_type warmup_steps warmup_ratio weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm dropout precision seed") {
		list = append(list, name+": "+c.Text(name))
	}
	return list
}
