package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/submission"
	"pactune/train"
)

func glueSubmitCommand() *cobra.Command {
	out, check, partial := "", "", false
	options := func() []train.Option {
		return []train.Option{
			train.Flag("out", "new file, such as submission.zip", &out),
			train.Flag("check", "instead: check a zip that is there", &check),
			train.Flag("partial", "fewer tasks than the leaderboard wants", &partial),
		}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune glue-submit RUN… --out submission.zip
       pactune glue-submit --check submission.zip

Packs the predictions of runs (train or evaluate with --task_name … --do_predict) in the GLUE
leaderboard's format: names of files, label strings, the number of rows. A run without predictions
is passed over where another has some. What the leaderboard would refuse is refused here,
with the reason. AX comes with the run of MNLI, where diagnostic.tsv was beside its test files.
`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("glue-submit RUN…", "Write what the GLUE leaderboard takes", help, func(_ context.Context, args []string) error {
		_, runs, err := train.Parse(args, 0, options()...)
		switch {
		case err != nil:
			return err
		case check != "" && (out != "" || len(runs) > 0):
			return fault.Errorf(fault.Usage, "--check %s: checks a zip that is there; leave out the runs and --out", check)
		case check != "":
			return checkZip(check, partial)
		case len(runs) == 0 || out == "":
			return fault.Errorf(fault.Usage, "glue-submit needs runs and a file to write, as in: pactune glue-submit runs/001-rte-cwgnc --partial --out submission.zip")
		}
		return submit(runs, out, partial)
	})
}

// submit packs the runs' predictions, and writes them only when the
// leaderboard would take them.
func submit(runs []string, out string, partial bool) error {
	if _, err := os.Lstat(out); err == nil {
		return fault.Errorf(fault.Usage, "--out %s: is there already; name a new file", out)
	}
	tables, err := submission.Collect(runs, note)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := tables.Write(&b); err != nil {
		return err
	}
	if err := submission.Check(out, bytes.NewReader(b.Bytes()), int64(b.Len()), partial); err != nil {
		return err
	}
	if _, err := files.WriteFile(files.OS, out, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }); err != nil {
		return err
	}
	return result(out + "\n")
}

func checkZip(path string, partial bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Data, "%s: no such file; expected a zip", path)
	}
	if err != nil {
		return fault.Errorf(fault.Data, "%w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return fault.Errorf(fault.Data, "%s: is not a file; expected a zip", path)
	}
	if err := submission.Check(path, f, info.Size(), partial); err != nil {
		return err
	}
	if partial {
		return result(train.Clean(path) + ": the tables that it holds are in order (--partial: others were not asked for, and the leaderboard takes all or nothing)\n")
	}
	return result(train.Clean(path) + ": the leaderboard would take it\n")
}
