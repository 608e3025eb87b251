package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/plural"
	"pactune/safetensors"
	"pactune/torchfile"
	"pactune/train"
)

func convertCommand() *cobra.Command {
	dtype := ""
	options := func() []train.Option {
		return []train.Option{train.Flag("dtype", "f32, f16 or bf16: round the floating-point numbers to the nearest of this type; none: as they are", &dtype)}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune convert MODEL OUT [--dtype f16]

Writes the weights of a model, a folder or a file of it, as the new file OUT in the format
safetensors, with the same names and shapes:

  pactune convert bert/pytorch_model.bin bert/model.safetensors
  pactune convert runs/001-rte-adamw small.safetensors --dtype f16

No code in a pytorch_model.bin is run; one that holds more than weights is refused.

`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("convert", "Write a model's weights as safetensors", help, func(_ context.Context, args []string) error {
		_, rest, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(rest) != 2 {
			return fault.Errorf(fault.Usage, "convert needs a model and a file to write, as in: pactune convert pytorch_model.bin model.safetensors; found %d", len(rest))
		}
		to, ok := dtypes[dtype]
		if !ok {
			return fault.Errorf(fault.Usage, "--dtype %q: expected f32, f16 or bf16", dtype)
		}
		return convert(rest[0], rest[1], to)
	})
}

// dtypes are the values of --dtype.
var dtypes = map[string]safetensors.DType{"": "", "f32": safetensors.F32, "f16": safetensors.F16, "bf16": safetensors.BF16}

// convert writes the tensors of model, a file or a folder, into the new file
// out, as numbers of the type to, where it is not "".
func convert(model, out string, to safetensors.DType) error {
	if _, err := os.Lstat(out); err == nil {
		return fault.Errorf(fault.Usage, "%s: is there already; name a new file", out)
	}
	weights, err := openWeights(model)
	if err != nil {
		return err
	}
	defer weights.Close()
	var tensors []safetensors.Tensor
	for _, name := range weights.Names() {
		t, _ := weights.Tensor(name)
		if to != "" {
			if t, err = t.As(to); err != nil {
				return fault.Errorf(fault.KindOf(err), "%s: %w", model, err)
			}
		}
		tensors = append(tensors, t)
	}
	written, err := files.WriteFile(files.OS, out, func(w io.Writer) error {
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %s, %d bytes\n", train.Clean(out), plural.Of(len(tensors), "tensor"), written.Size)
	fmt.Println(out)
	return nil
}

// openWeights opens the weights of a folder or a file.
func openWeights(model string) (*safetensors.File, error) {
	info, err := os.Stat(model)
	switch {
	case err != nil:
		return nil, fault.Errorf(fault.Model, "%s: no such file or folder; expected a model.safetensors or pytorch_model.bin, or the folder that holds it", model)
	case info.IsDir() && safetensors.Found(model):
		return safetensors.OpenModel(model)
	case info.IsDir():
		return torchfile.OpenModel(model)
	case filepath.Ext(model) == ".safetensors":
		return safetensors.Open(model)
	}
	return torchfile.Open(model)
}
