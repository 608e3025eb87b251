package main

import (
	"slices"
	"strings"

	"pactune/internal/strictyaml"
	"pactune/train"
)

// withYAML puts the options of a file args.yaml in the place of its name and before all
// others, which win over them. No option of train has such a file as its value.
func withYAML(args []string) ([]string, error) {
	path, rest := takeYAML(args)
	if path == "" {
		return args, nil
	}
	file, err := strictyaml.Read(path)
	if err != nil {
		return nil, err
	}
	members, err := file.Members()
	if err != nil {
		return nil, err
	}
	var options []string
	for _, m := range members {
		texts, err := m.Value.Texts()
		if err != nil {
			return nil, err
		}
		text := strings.Join(texts, ",") // as a list stands on the command line
		option := "--" + m.Name + "=" + text
		if m.Name == "data_file" { // as a run's training_args.json calls the file without an option
			option = text
		}
		if _, err := train.ParseArgs([]string{option}); err != nil {
			return nil, m.Key.Errorf("%w", err)
		}
		options = append(options, option)
	}
	return append(options, rest...), nil
}

// takeYAML finds the file of settings among arguments, "" for none, and the others.
func takeYAML(args []string) (path string, rest []string) {
	i := slices.IndexFunc(args, func(arg string) bool {
		return !strings.HasPrefix(arg, "-") && (strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml"))
	})
	if i < 0 {
		return "", args
	}
	return args[i], slices.Delete(slices.Clone(args), i, i+1)
}
