package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/asm"
	"pactune/internal/fault"
	"pactune/train"
)

func versionCommand() *cobra.Command {
	help := func(bool) {
		fmt.Println("Usage: pactune version [--json]\n\nPrints the version, the commit, the Go that built it and the kernels in use.")
	}
	return sub("version", "Print the version", help, func(_ context.Context, args []string) error {
		asJSON := false
		_, rest, err := train.Parse(args, 0, train.Flag("json", "as one JSON object", &asJSON))
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "version takes no argument, found %q", rest[0])
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
