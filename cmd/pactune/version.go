package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pactune/asm"
	"pactune/embedded"
	"pactune/internal/fault"
	"pactune/internal/licenses"
	"pactune/train"
)

func versionCommand() *cobra.Command {
	help := func(bool) {
		fmt.Println("Usage: pactune version [--json] [--licenses]\n\nPrints the version, the commit, the Go that built it and the kernels in use; with --licenses the\nlicences of everything in the program.")
	}
	return sub("version", "Print the version", help, func(_ context.Context, args []string) error {
		asJSON, texts := false, false
		_, rest, err := train.Parse(args, 0, train.Flag("json", "as one JSON object", &asJSON),
			train.Flag("licenses", "the licences of everything in the program", &texts))
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "version takes no argument, found %q", rest[0])
		}
		if texts {
			return result(licenceTexts())
		}
		build := map[string]any{"cpu": train.CPU(), "isa": asm.Active().String(), "threads": train.Threads(0)}
		for key, value := range train.Build() {
			build[key] = value
		}
		if asJSON {
			return train.WriteJSON(os.Stdout, build)
		}
		fmt.Printf("pactune %s  %s %s  %s kernels on %s\n", train.Version, build["go"], build["platform"], build["isa"], build["cpu"])
		return nil
	})
}

// licenceTexts is every licence in the binary under a line that says whose it is.
func licenceTexts() string {
	var b strings.Builder
	add := func(whose, file, text string) {
		fmt.Fprintf(&b, "==== %s: %s\n\n%s\n\n", whose, file, strings.TrimRight(text, "\n"))
	}
	for _, l := range licenses.All() {
		add(l.Module, l.File, l.Text)
	}
	for _, file := range []string{"LICENSE", "NOTICE"} {
		text, err := fs.ReadFile(embedded.Encoder(), file)
		if err != nil {
			panic("version: " + err.Error()) // the compiler put the file there
		}
		add("the encoder in the binary", file, string(text))
	}
	return b.String()
}

// optionsCommand prints docs/OPTIONS.md for go generate.
func optionsCommand() *cobra.Command {
	c := sub("options", "Print docs/OPTIONS.md", func(bool) { train.WriteMarkdown(os.Stdout) },
		func(context.Context, []string) error {
			train.WriteMarkdown(os.Stdout)
			return nil
		})
	c.Hidden = true
	return c
}
