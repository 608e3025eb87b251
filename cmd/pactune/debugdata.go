package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pactune/embedded"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/train"
)

func debugDataCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(`Usage: pactune debug-data FILE
       pactune debug-data --task_name rte --data_dir glue/RTE --model_name_or_path DIR

Looks at data before a training: rows, labels, lengths in tokens and what --max_seq_length cuts,
rows that repeat each other or contradict each other, rows of the training part in another part, and
every row that a training would refuse. Exit code 3 says that there are such rows.
`)
		train.WriteOptions(os.Stdout, train.InDebugData)
	}
	return sub("debug-data [FILE]", "Look at data before a training", help, func(_ context.Context, args []string) error {
		config, rest, err := train.Parse(args, train.InDebugData)
		if err != nil {
			return err
		}
		if len(rest) > 0 && config.TrainFile == "" {
			config.TrainFile, rest = rest[0], rest[1:]
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "debug-data takes one file, found also %q; name others with --validation_file", rest[0])
		}
		found, err := train.Inspect(config, embedded.Encoder())
		if err != nil && config.JSON && fault.KindOf(err) == fault.Data {
			all := []string{err.Error()}
			if found != nil {
				all = found.Errors
			}
			return errors.Join(err, train.WriteJSON(os.Stdout, map[string]any{"errors": all}))
		}
		if err != nil {
			return err
		}
		if config.JSON {
			err = train.WriteJSON(os.Stdout, map[string]any{"problem_type": found.Problem, "parts": found.Parts, "notes": found.Notes, "errors": found.Errors})
		} else {
			err = result(printable(report(found, config)))
		}
		if n := len(found.Errors); err == nil && n > 0 {
			err = fault.Errorf(fault.Data, "errors: %d; the first: %s", n, found.Errors[0])
		}
		return err
	})
}

// report writes what was found as text: a column for each part, then the places
// of what is worth a look.
func report(in *glue.Inspection, c *train.Config) string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	line := func(name string, value func(p *glue.PartInspection) string) {
		fields := []string{name}
		for _, p := range in.Parts {
			fields = append(fields, value(p))
		}
		fmt.Fprintln(w, strings.Join(fields, "\t"))
	}
	number := func(name string, value func(p *glue.PartInspection) int) {
		line(name, func(p *glue.PartInspection) string { return fmt.Sprint(value(p)) })
	}
	line("", func(p *glue.PartInspection) string { return p.Part })
	number("rows", func(p *glue.PartInspection) int { return p.Rows })
	labels(in, line)
	line("tokens p50 p95 p99", func(p *glue.PartInspection) string {
		return fmt.Sprintf("%d %d %d", p.Tokens.P50, p.Tokens.P95, p.Tokens.P99)
	})
	number("longest", func(p *glue.PartInspection) int { return p.Tokens.Max })
	line(fmt.Sprintf("longer than %d", c.MaxSeqLength), func(p *glue.PartInspection) string {
		return fmt.Sprintf("%d (%s)", p.Truncated, percent(p.Truncated, p.Used))
	})
	line("unknown words", func(p *glue.PartInspection) string { return fmt.Sprintf("%.2f %%", 100*p.UnknownShare) })
	number("empty texts", func(p *glue.PartInspection) int { return p.Empty })
	number("lines not UTF-8", func(p *glue.PartInspection) int { return p.NotUTF8 })
	number("duplicates", func(p *glue.PartInspection) int { return p.Duplicates.Rows })
	number("same text, other label", func(p *glue.PartInspection) int { return p.Conflicts.Rows })
	number("text also in train", func(p *glue.PartInspection) int { return p.Leaks.Rows })
	number("rows refused", func(p *glue.PartInspection) int { return p.Refused })
	w.Flush()
	text := trimLines(out.String())
	for _, p := range in.Parts {
		text += places(p.Path, "repeats", p.Duplicates) + places(p.Path, "contradicts", p.Conflicts) + places(p.Path, "is in the training part as", p.Leaks)
	}
	if c.ModelNameOrPath == "" && c.TokenizerName == "" {
		text += "tokens are those of the encoder in the binary; --model_name_or_path names another\n"
	}
	for _, n := range in.Notes {
		text += "note    " + n + "\n"
	}
	for i, e := range in.Errors {
		if i == shownErrors {
			text += fmt.Sprintf("error   … and %d more (--json lists all)\n", len(in.Errors)-i)
			break
		}
		text += "error   " + e + "\n"
	}
	return text
}

const shownErrors, shownLabels = 20, 20

// labels writes the balance of the classes, or what the scores are.
func labels(in *glue.Inspection, line func(string, func(p *glue.PartInspection) string)) {
	names := 0
	for _, p := range in.Parts {
		names = max(names, len(p.Labels))
		if p.Scores != nil {
			line("lowest, mean, highest score", func(p *glue.PartInspection) string {
				if p.Scores == nil {
					return "-"
				}
				return fmt.Sprintf("%.4g %.4g %.4g", p.Scores.Min, p.Scores.Mean, p.Scores.Max)
			})
			return
		}
	}
	for i := range min(names, shownLabels) {
		name := ""
		for _, p := range in.Parts {
			if i < len(p.Labels) {
				name = train.Clean(p.Labels[i].Name) // in one line and one cell
			}
		}
		line("label "+name, func(p *glue.PartInspection) string {
			if i >= len(p.Labels) {
				return "-"
			}
			return fmt.Sprintf("%d (%s)", p.Labels[i].Rows, percent(p.Labels[i].Rows, p.Used))
		})
	}
	if names > shownLabels {
		line(fmt.Sprintf("… %d more (--json)", names-shownLabels), func(*glue.PartInspection) string { return "" })
	}
}

func percent(part, all int) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(1, all)))
}

// places lists the first rows that are like others.
func places(path, what string, p glue.Places) string {
	if p.Rows == 0 {
		return ""
	}
	var pairs []string
	for _, l := range p.Lines {
		pairs = append(pairs, fmt.Sprintf("line %d %s line %d", l[0], what, l[1]))
	}
	if p.Rows > len(p.Lines) {
		pairs = append(pairs, "…")
	}
	return path + ": " + strings.Join(pairs, ", ") + "\n"
}

// trimLines cuts the blanks at the ends of lines.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
