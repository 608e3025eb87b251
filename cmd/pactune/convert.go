package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/safetensors"
	"pactune/torchfile"
	"pactune/train"
)

func convertCommand() *cobra.Command {
	help := func(bool) {
		fmt.Println(`Usage: pactune convert MODEL OUT

Writes the weights of a pytorch_model.bin, or of the folder that holds it or its parts, as
the new file OUT in the format safetensors, with the same names, types and values:

  pactune convert bert bert/model.safetensors

No code in the file is run; one that holds more than weights is refused. Training reads
pytorch_model.bin as it is.`)
	}
	return sub("convert", "Write a pytorch_model.bin as safetensors", help, func(_ context.Context, args []string) error {
		_, rest, err := train.Parse(args, 0)
		if err != nil {
			return err
		}
		if len(rest) != 2 {
			return fault.Errorf(fault.Usage, "convert needs a model and a file to write, as in: pactune convert pytorch_model.bin model.safetensors; found %d", len(rest))
		}
		return convert(rest[0], rest[1])
	})
}

// convert writes the tensors of model, a file or a folder, into the new file out.
func convert(model, out string) error {
	info, err := os.Stat(model)
	if err != nil {
		return fault.Errorf(fault.Model, "%s: no such file or folder; expected a pytorch_model.bin, or the folder that holds it", model)
	}
	if _, err := os.Lstat(out); err == nil {
		return fault.Errorf(fault.Usage, "%s: is there already; name a new file", out)
	}
	open := torchfile.Open
	if info.IsDir() {
		open = torchfile.OpenModel
	}
	weights, err := open(model)
	if err != nil {
		return err
	}
	defer weights.Close()
	var tensors []safetensors.Tensor
	for _, name := range weights.Names() {
		t, _ := weights.Tensor(name)
		tensors = append(tensors, t)
	}
	written, err := files.WriteFile(files.OS, out, func(w io.Writer) error {
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d tensors, %d bytes\n", out, len(tensors), written.Size)
	fmt.Println(out)
	return nil
}
