package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pactune/glue"
	"pactune/internal/fault"
	"pactune/train"
)

func tasksCommand() *cobra.Command {
	dir := ""
	options := func() []train.Option {
		return []train.Option{train.Flag("data_dir", "folder with the tasks' folders: read every file that is there and count its rows", &dir)}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune tasks [--data_dir glue]

Prints the table of GLUE's tasks: folder, columns, labels by class id as the files write them and as
they are named, metrics, and the published number of rows of each file.
`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("tasks", "Print the table of GLUE's tasks", help, func(_ context.Context, args []string) error {
		_, rest, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "tasks takes options only; found %q", rest[0])
		}
		var text strings.Builder
		bad := 0
		if dir == "" {
			writeTasks(&text)
		} else if bad, err = writeRows(&text, dir); err != nil {
			return err
		}
		if err := result(text.String()); err != nil || bad == 0 {
			return err
		}
		return fault.Errorf(fault.Data, "%s: files that cannot be read as the task's: %d; the notes of the table say why", dir, bad)
	})
}

func writeTasks(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "task\tfolder\ttext\tpair\tlabel\tlabels\tmetrics\ttrain / dev / test rows")
	for _, t := range glue.All() {
		var labels []string
		for _, l := range t.Labels {
			labels = append(labels, l.Text)
			if l.Name != l.Text {
				labels[len(labels)-1] += "=" + l.Name
			}
		}
		if t.Labels == nil {
			labels = []string{fmt.Sprintf("%g to %g", t.Min, t.Max)}
		}
		rows := map[glue.Split][]string{}
		for _, f := range t.Files {
			rows[f.Split] = append(rows[f.Split], fmt.Sprint(f.Rows))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.Folder, t.TextA, dash(t.TextB), t.Label,
			strings.Join(labels, " "), strings.Join(t.Metrics, " "),
			strings.Join([]string{dash(strings.Join(rows[glue.Train], "+")), dash(strings.Join(rows[glue.Dev], "+")), strings.Join(rows[glue.Test], "+")}, " / "))
	}
	table.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// writeRows counts what each file has against what was published; bad are the files
// that cannot be read, whose errors are notes.
func writeRows(w io.Writer, dir string) (bad int, err error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return 0, fault.Errorf(fault.Data, "%s: no such folder; --data_dir names the folder with CoLA, SST-2, …", dir)
	}
	table, found := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), 0
	fmt.Fprintln(table, "task\tfile\trows\tpublished\tnotes")
	for _, t := range glue.All() {
		for _, f := range t.Files {
			d, err := t.ReadFile(dir, f)
			path, rows, notes := t.Folder+"/"+f.Name, "-", "not there"
			switch {
			case err != nil:
				found, bad = found+1, bad+1
				notes = err.Error()
			case d != nil:
				found++
				path, rows, notes = d.Path, fmt.Sprint(len(d.Examples)), strings.Join(d.Notes, "; ")
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", t.Name, train.Clean(path), rows, f.Rows, train.Clean(notes))
		}
	}
	table.Flush()
	if found == 0 {
		return 0, fault.Errorf(fault.Data, "%s: holds no file of a GLUE task; --data_dir names the folder with CoLA, SST-2, …", dir)
	}
	return bad, nil
}
