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
	i := slices.IndexFunc(args, isYAML)
	if i < 0 {
		return args, nil
	}
	file, err := strictyaml.Read(args[i])
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
	return append(options, slices.Delete(slices.Clone(args), i, i+1)...), nil
}

// isYAML tells whether an argument is a file of settings.
func isYAML(arg string) bool {
	return !strings.HasPrefix(arg, "-") && (strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml"))
}
