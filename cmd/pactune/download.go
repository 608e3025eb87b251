package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/hub"
	"pactune/hub/fetch"
	"pactune/internal/fault"
	"pactune/train"
)

const downloadHelp = `Usage: pactune download NAME [--revision R]

Fetches a model of huggingface.co, such as google-bert/bert-base-uncased, into the cache that
transformers uses too, and prints its folder. Wherever a command takes a model's folder it takes
NAME from then on. Only the files that are read come; an interrupted download goes on where it
ended.
`

func downloadCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(downloadHelp)
		train.WriteOptions(os.Stdout, train.InDownload)
	}
	return sub("download NAME", "Fetch a model from a hub", help, func(ctx context.Context, args []string) error {
		config, names, err := train.Parse(args, train.InDownload)
		if err != nil {
			return err
		}
		if len(names) != 1 {
			return fault.Errorf(fault.Usage, "download needs one name of a model, as in: pactune download google-bert/bert-base-uncased; found %d", len(names))
		}
		return download(ctx, config, names[0])
	})
}

// download fetches a model and prints where it is.
func download(ctx context.Context, config *train.Config, name string) error {
	source, err := fetch.FromEnvironment("pactune/" + train.Version)
	if err != nil {
		return err
	}
	screen := train.NewProgress(os.Stderr, config.Color, config.DisableTqdm, config.Quiet)
	defer screen.Close()
	hooks := screen.Hooks()
	r, err := source.Download(ctx, hub.Ref{Name: name, Revision: config.ModelRevision}, hub.CacheDir(config.CacheDir),
		fetch.Hooks{Note: hooks.OnNote, Work: hooks.OnWork})
	screen.Close()
	if err != nil {
		return err
	}
	if config.JSON {
		return train.WriteJSON(os.Stdout, map[string]any{"name": name, "revision": config.ModelRevision,
			"commit": r.Commit, "folder": r.Folder, "bytes_fetched": r.Came})
	}
	return result(r.Folder + "\n")
}
