package train

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// everyday are the options that --help shows; --help all shows every one.
var everyday = []string{"model_name_or_path", "task_name", "data_dir", "train_file", "validation_file",
	"text_column_names", "label_column_name", "max_seq_length", "max_train_samples", "max_eval_samples",
	"method", "preset", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
	"learning_rate", "head_learning_rate", "weight_decay", "dropout", "pac_gamma", "clip_component_norm",
	"eval_strategy", "logging_steps", "output_dir", "seed", "threads", "quiet", "json"}

// WriteHelp prints the options of `pactune train` by group, all of them or
// only those of every day.
func WriteHelp(w io.Writer, all bool) {
	for _, group := range groups {
		headed := false
		for i := range listed {
			o := &listed[i]
			if o.Group != group || !all && !contains(everyday, o.Name) {
				continue
			}
			if !headed {
				fmt.Fprintf(w, "\n%s\n", group)
				headed = true
			}
			writeOption(w, o)
		}
	}
	if all {
		fmt.Fprintf(w, "\nAccepted for run_glue's command lines\n")
		wrap(w, "  ", strings.Join(unlistedNames(), " "))
	}
	writeEnvironment(w, func(in int) bool { return all || in == 0 })
}

// writeEnvironment prints the variables of chosen subcommands.
func writeEnvironment(w io.Writer, chosen func(in int) bool) {
	headed := false
	for _, e := range environment {
		if !chosen(e.in) {
			continue
		}
		if !headed {
			fmt.Fprintf(w, "\nEnvironment\n")
			headed = true
		}
		fmt.Fprintf(w, "  %-20s ", e.Name)
		wrap(w, strings.Repeat(" ", 23), e.Help)
	}
}

// WriteOptions prints the options of another subcommand.
func WriteOptions(w io.Writer, in int, extra ...Option) { WriteOptionsOf(w, "", in, extra...) }

// WriteOptionsOf prints them with the defaults of a recipe.
func WriteOptionsOf(w io.Writer, recipe string, in int, extra ...Option) {
	fmt.Fprintf(w, "\nOptions\n")
	for _, o := range Table(in, extra...) {
		if o.bind == nil {
			continue // one of run_glue's that has another name here
		}
		for _, s := range recipes[recipe] {
			if s.name == o.Name {
				o.Default = s.value
			}
		}
		writeOption(w, &o)
	}
	writeEnvironment(w, func(of int) bool { return of&in != 0 })
}

func writeOption(w io.Writer, o *Option) {
	head := "--" + o.Name
	if kind := o.kind(); kind != "" {
		head += " " + kind
	}
	fmt.Fprintf(w, "  %-36s ", head)
	if len(head) > 36 {
		fmt.Fprintf(w, "\n%s", strings.Repeat(" ", 39))
	}
	text := o.Help
	if n := len(o.rule.words); n > 2 {
		text = strings.Join(o.rule.words[:n-1], ", ") + " or " + o.rule.words[n-1] + "; " + text
	}
	if o.Default != "" && o.Default != "false" && o.Default != "0" {
		text += " [" + o.Default + "]"
	}
	wrap(w, strings.Repeat(" ", 39), text)
}

// kind is what stands for the value in help: N, X, TEXT, or two words.
func (o *Option) kind() string {
	if o.bind == nil {
		return ""
	}
	switch o.bind(&Config{}).(type) {
	case *bool:
		return ""
	case *int, *uint64:
		return "N"
	case *float64:
		return "X"
	case *[]string:
		return "A,B"
	}
	switch {
	case len(o.rule.words) > 0 && len(o.rule.words) <= 2:
		return strings.Join(o.rule.words, "|")
	case strings.HasSuffix(o.Name, "_file"), strings.HasSuffix(o.Name, "profile"), o.Name == "vocab", o.Name == "check":
		return "FILE"
	case strings.HasSuffix(o.Name, "_dir"), strings.HasSuffix(o.Name, "_path"):
		return "DIR"
	}
	switch o.Name {
	case "out":
		return "PATH"
	case "train_files", "seeds", "sample_seeds":
		return "A,B"
	case "save_every":
		return "TIME"
	case "max_memory":
		return "SIZE"
	case "lr_scheduler_kwargs":
		return "JSON"
	}
	return "NAME"
}

// wrap writes words into lines of at most 100 columns, all but the first
// indented.
func wrap(w io.Writer, indent, text string) {
	column, limit := len(indent), 100
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		if i > 0 && column+1+n > limit {
			fmt.Fprintf(w, "\n%s", indent)
			column = len(indent)
		} else if i > 0 {
			fmt.Fprint(w, " ")
			column++
		} else if strings.TrimSpace(indent) == "" && len(indent) == 2 {
			fmt.Fprint(w, indent)
		}
		fmt.Fprint(w, word)
		column += n
	}
	fmt.Fprintln(w)
}

func unlistedNames() []string {
	var names []string
	for i := range unlisted {
		names = append(names, "--"+unlisted[i].Name)
	}
	sort.Strings(names)
	return names
}

// WriteMarkdown writes docs/OPTIONS.md.
func WriteMarkdown(w io.Writer) {
	fmt.Fprint(w, `# Options of pactune train

Written by `+"`go generate ./train`"+` from the table in train/options_table.go; a test holds it to that.

An option is written `+"`--a_b value`, `--a-b value` or `--a_b=value`"+`; true-or-false ones also `+"`--x` and `--no_x`"+`.
A value comes from the first of: the option, the compatibility mode, the preset, the method's recipe, the default.
One file of options, JSON such as a run's training_args.json or YAML, may stand in place of a data file; options win over it.
`)
	for _, group := range groups {
		fmt.Fprintf(w, "\n## %s\n\n| option | value | default | meaning |\n|---|---|---|---|\n", group)
		for i := range listed {
			if o := &listed[i]; o.Group == group {
				fmt.Fprintf(w, "| `--%s` | %s | %s | %s |\n", o.Name, cell(o.expected()), code(o.Default), cell(o.helpAll()))
			}
		}
	}
	writeRecipes(w)
	fmt.Fprint(w, "\nPAC-tuning's gamma is 10 for sst2 and cola, unless the preset says otherwise. `--compat authors` takes the preset `authors`, `--compat hf` the method `adamw`.\n")
	fmt.Fprint(w, "\n## Differences from run_glue.py\n\nPrinted once by `--method adamw`:\n\n")
	for _, d := range differences {
		fmt.Fprintf(w, "- %s\n", d.text)
	}
	fmt.Fprint(w, "\nOptions of run_glue.py and Trainer that have no effect or no place here:\n\n| option | |\n|---|---|\n")
	for i := range unlisted {
		fmt.Fprintf(w, "| `--%s` | %s |\n", unlisted[i].Name, cell(unlisted[i].Help))
	}
	fmt.Fprint(w, "\n## Environment\n\n| variable | meaning |\n|---|---|\n")
	for _, e := range environment {
		fmt.Fprintf(w, "| `%s` | %s |\n", e.Name, cell(e.Help))
	}
}

func (o *Option) helpAll() string {
	if len(o.Other) == 0 {
		return o.Help
	}
	return o.Help + " (also `--" + strings.Join(o.Other, "`, `--") + "`)"
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<TAB>", "`<TAB>`").Replace(s)
}

// writeRecipes writes one table: an option a line, a recipe or preset a column.
func writeRecipes(w io.Writer) {
	columns := []struct {
		head string
		sets []setting
	}{
		{"`--method cwgnc`", recipes["cwgnc"]}, {"`--method pac`", recipes["pac"]}, {"`--method pac+cwgnc`", recipes["pac+cwgnc"]}, {"`--method unfreeze`", recipes["unfreeze"]},
		{"`--preset paper`", presets["paper"]}, {"`--preset authors`", presets["authors"]}, {"`--preset embedded`", presets["embedded"]},
		{"`pactune pretrain`", recipes["pretrain"]},
		{"`--compat authors`", compats["authors"]}, {"`--compat hf`", compats["hf"]},
	}
	fmt.Fprint(w, "\n## Recipes and presets\n\nWhat a method or a preset sets; everything else keeps its default, as all does with `--method adamw`. Presets stand on `pac`, and so does `pac+cwgnc`; of few rows `--preset embedded` makes more epochs, in the same proportion: the least multiple that is 300 updates; `pactune pretrain --help` lists the options of pretraining.\n\n| option |")
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.head)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(columns)+1))
	for i := range listed {
		line, any := "| `--"+listed[i].Name+"` |", false
		for _, c := range columns {
			value := ""
			for _, s := range c.sets {
				if s.name == listed[i].Name {
					value, any = s.value, true
				}
			}
			line += " " + value + " |"
		}
		if any {
			fmt.Fprintln(w, line)
		}
	}
}
