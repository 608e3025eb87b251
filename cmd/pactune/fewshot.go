package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/train"
)

// fewShots is what the command was asked for.
type fewShots struct {
	task, data, out, seeds string
	k, size                int
	notes                  []string // of the last set: the same for every seed
}

func fewshotCommand() *cobra.Command {
	f := fewShots{k: 16, seeds: "13,21,42,87,100"}
	options := func() []train.Option {
		return []train.Option{
			train.Flag("task_name", "the GLUE task whose files are in --data_dir", &f.task),
			train.Flag("data_dir", "folder with the task's train.tsv and dev.tsv", &f.data),
			train.Flag("kshot", "training rows of each class, and as many for development: the sets of LM-BFF, byte for byte", &f.k),
			train.Flag("train_size", "instead of kshot: so many random training rows, as train's own option of this name draws them; 0: off", &f.size),
			train.Flag("seeds", "a set for each, separated by commas", &f.seeds),
			train.Flag("sample_seed", "another name of seeds: with train_size, train's own", &f.seeds),
			train.Flag("out", "new folder, such as k-shot, for the sets: RTE/16-13/train.tsv", &f.out),
		}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune fewshot --task_name rte --data_dir glue/RTE --out k-shot

Writes few-shot training sets of a GLUE task, a folder for each seed. Each holds train.tsv, dev.tsv
and, as test.tsv, the task's whole development set; pactune train --data_dir reads it.
`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("fewshot", "Write few-shot training sets", help, func(_ context.Context, args []string) error {
		given, rest, err := train.Parse(args, 0, options()...)
		switch {
		case err != nil:
			return err
		case len(rest) > 0:
			return fault.Errorf(fault.Usage, "fewshot takes options only; found %q", rest[0])
		case f.task == "" || f.data == "" || f.out == "":
			return fault.Errorf(fault.Usage, "fewshot needs --task_name, --data_dir and --out, as in: pactune fewshot --task_name rte --data_dir glue/RTE --out k-shot")
		case given.IsSet("seeds") && given.IsSet("sample_seed"):
			return fault.Errorf(fault.Usage, "--seeds and --sample_seed are two names of one option; give one")
		case f.size > 0 && given.IsSet("kshot"):
			return fault.Errorf(fault.Usage, "--kshot and --train_size: a set has so many rows of each class, or so many random ones; give one of the two")
		case f.size == 0 && f.k == 0:
			return fault.Errorf(fault.Usage, "--kshot 0: expected a whole number from 1 up, or --train_size N")
		}
		return f.write()
	})
}

// write writes every set, or none.
func (f *fewShots) write() error {
	task, err := glue.TaskByName(f.task)
	if err != nil {
		return err
	}
	seeds, err := f.list()
	if err != nil {
		return err
	}
	dir, source, err := task.Texts(f.data)
	if err != nil {
		return err
	}
	folder, err := train.NewFolder(&train.Config{OutputDir: f.out})
	if err != nil {
		return withoutOption(err)
	}
	defer folder.Discard()
	for _, seed := range seeds {
		sets, err := f.sets(task, dir, source, seed)
		if err != nil {
			return err
		}
		n := f.k
		if f.size > 0 {
			n = f.size
		}
		set := glue.KShotFolder(task, n, seed)
		if err := os.MkdirAll(filepath.Join(folder.Dir(), set), 0o777); err != nil {
			return fault.Errorf(files.Kind(err), "--out %s: %w", f.out, err)
		}
		for name, text := range sets {
			if err := folder.Write(filepath.Join(set, name), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				return err
			}
		}
	}
	if err := folder.Publish(); err != nil {
		return err
	}
	for _, n := range f.notes {
		note(n)
	}
	return result(f.out + "\n")
}

// list are the seeds.
func (f *fewShots) list() (seeds []uint32, err error) {
	seen := map[uint64]bool{}
	for _, word := range strings.Split(f.seeds, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(word), 10, 32)
		if err != nil {
			return nil, fault.Errorf(fault.Usage, "--seeds %q: expected whole numbers from 0 to %d, separated by commas", f.seeds, uint32(1<<32-1))
		}
		if seen[seed] {
			return nil, fault.Errorf(fault.Usage, "--seeds %q: %d is there twice; every seed makes one set", f.seeds, seed)
		}
		seen[seed] = true
		seeds = append(seeds, uint32(seed))
	}
	return seeds, nil
}

// sets are the files of one set of the folder from: the training rows, those for development where
// there are any, and the task's development set for the test.
func (f *fewShots) sets(task *glue.Task, from string, source map[string][]byte, seed uint32) (map[string][]byte, error) {
	const trainFile = "train.tsv"
	path := filepath.Join(from, trainFile)
	sets := map[string][]byte{}
	for name, text := range source {
		if name == trainFile {
			continue
		}
		sets[strings.Replace(name, "dev", "test", 1)] = text
		if f.size > 0 {
			sets[name] = text // the whole development set is the evaluation
		}
	}
	var err error
	if f.size > 0 {
		sets[trainFile], err = glue.RandomLines(task, path, source[trainFile], f.size, uint64(seed))
		return sets, err
	}
	var dev []byte
	if sets[trainFile], dev, f.notes, err = glue.KShot(task, path, source[trainFile], f.k, f.k, seed); err != nil {
		return nil, err
	}
	for _, file := range task.Files {
		if file.Split == glue.Dev { // LM-BFF writes the first alone: MNLI's matched part
			sets[file.Name] = dev
			break
		}
	}
	return sets, nil
}
