package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// ParseArgs reads the arguments of `pactune train`: options in every form that
// run_glue.py takes, and at most one file, either examples or a JSON object of
// options. Options win over the object wherever they stand. extra are options of the
// caller's beside train's own.
func ParseArgs(args []string, extra ...Option) (*Config, error) {
	c, table := NewConfig(), Table(InTrain, extra...)
	files, err := c.parse(table, args)
	if err != nil {
		return nil, err
	}
	if len(files) > 1 {
		return nil, fault.Errorf(fault.Usage, "two files named, %q and %q: expected one data file; name others with --validation_file", files[0], files[1])
	}
	if len(files) == 0 {
		return c, nil
	}
	object, err := readOptions(files[0])
	if err != nil {
		return nil, err
	}
	if object == nil {
		if c.TrainFile != "" || c.TaskName != "" {
			return nil, fault.Errorf(fault.Usage, "the training data are named twice: %q and --%s; name them once", files[0],
				map[bool]string{true: "train_file", false: "task_name"}[c.TrainFile != ""])
		}
		c.DataFile = files[0]
		return c, nil
	}
	// The object first, then the command line over it.
	c = NewConfig()
	if err := c.setAll(files[0], object); err != nil {
		return nil, err
	}
	_, err = c.parse(table, args)
	return c, err
}

// Given lists what the user has set as the arguments of pactune train that set it
// again: the data file, then --name=value in the order of the table.
func (c *Config) Given() []string {
	var args []string
	if c.DataFile != "" {
		args = append(args, c.DataFile)
	}
	for i := range listed {
		o := &listed[i]
		if text := o.text(c); c.set[o.Name] && text != "" {
			args = append(args, "--"+o.Name+"="+text)
		}
	}
	return args
}

// Parse reads the arguments of another subcommand: the options that the mask
// in names, and the extra ones. It returns what is not an option.
func Parse(args []string, in int, extra ...Option) (*Config, []string, error) {
	c := NewConfig()
	rest, err := c.parse(Table(in, extra...), args)
	return c, rest, err
}

// Table lists the options of another subcommand: the extra ones, and those that
// the mask in names.
func Table(in int, extra ...Option) []Option {
	for _, o := range options {
		if o.in&in != 0 || in == InTrain {
			extra = append(extra, o)
		}
	}
	return extra
}

// ReadArgs reads options again from the JSON object in a file that ValuesOf gave.
func ReadArgs(path string, table []Option) (*Config, error) {
	object, err := readOptions(path)
	if err == nil && object == nil {
		err = fault.Errorf(fault.Data, "%s: is not one JSON object of options", path)
	}
	if err != nil {
		return nil, err
	}
	c := NewConfig()
	return c, c.setFrom(table, path, object)
}

// Flag makes an option of a subcommand with a variable of its own: a *string,
// *bool, *int, *uint64 or *float64 that holds the default.
func Flag(name, help string, variable any, allowed ...string) Option {
	o := Option{Name: name, Help: help, bind: func(*Config) any { return variable }}
	if _, ok := variable.(*int); ok {
		o.rule = zeroUp
	}
	o.Default = o.text(nil)
	if len(allowed) > 0 {
		o.rule = oneOf(allowed...)
	}
	return o
}

// parse sets options from args and returns the rest: --a_b v, --a-b=v, --x,
// --x yes, --no_x, -q; everything after -- is no option.
func (c *Config) parse(table []Option, args []string) (rest []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(rest, args[i+1:]...), nil
		}
		if arg == "-q" {
			arg = "--quiet"
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		if !strings.HasPrefix(arg, "--") {
			return nil, fault.Errorf(fault.Usage, "%q: options start with two dashes; -q and -h are the only short ones", arg)
		}
		name, value, given := strings.Cut(arg[2:], "=")
		o, value, given, err := find(table, name, value, given)
		if err != nil {
			return nil, err
		}
		if !given {
			value, given = following(o, args[i+1:])
			if given {
				i++
			} else if !o.Boolean() {
				return nil, fault.Errorf(fault.Usage, "--%s needs a value: expected %s", name, o.expected())
			}
		}
		if value == "" && o.bind != nil {
			return nil, fault.Errorf(fault.Usage, "--%s is given without a value (perhaps an empty variable): expected %s", o.Name, o.expected())
		}
		if err := c.setOption(o, value); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// find looks an option up, also as --no_x, which gives a boolean its value.
func find(table []Option, name, value string, given bool) (*Option, string, bool, error) {
	o, err := lookup(table, name)
	plain := strings.ReplaceAll(name, "-", "_")
	if err == nil || !strings.HasPrefix(plain, "no_") {
		return o, value, given, err
	}
	positive, missing := lookup(table, plain[3:])
	switch {
	case missing != nil:
		return nil, "", false, err
	case !positive.Boolean():
		return nil, "", false, fault.Errorf(fault.Usage, "--%s: --%s takes a value, only true-or-false options have a --no_ form", name, positive.Name)
	case given:
		return nil, "", false, fault.Errorf(fault.Usage, "--%s=%s: a --no_ form takes no value", name, value)
	}
	return positive, "false", true, nil
}

// following returns the value that stands after an option, if one does.
func following(o *Option, next []string) (value string, given bool) {
	if o.Boolean() {
		if len(next) > 0 {
			if _, ok := truth(next[0]); ok {
				return next[0], true
			}
		}
		return "true", false
	}
	if len(next) == 0 || strings.HasPrefix(next[0], "--") {
		return "", false
	}
	return next[0], true
}

// readOptions reads a file that holds one JSON object of options, as run_glue
// takes it; nil when the file is something else, such as JSON lines.
func readOptions(path string) (map[string]any, error) {
	if !strings.HasSuffix(path, ".json") {
		return nil, nil
	}
	text, err := bounded.ReadFile(nil, path, bounded.Settings)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, nil // examples
	}
	if os.IsNotExist(err) {
		return nil, fault.Errorf(fault.Data, "%s: no such file; expected examples or a JSON object of options there: check the path", path)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		return nil, nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil // more than one value: examples
	}
	if err := strictjson.Check(text); err != nil {
		return nil, fault.Errorf(fault.Usage, "%s: %w", path, err)
	}
	return object, nil
}

// setAll sets the options of a JSON object, in the order of their names.
func (c *Config) setAll(path string, object map[string]any) error {
	return c.setFrom(options, path, object)
}

func (c *Config) setFrom(table []Option, path string, object map[string]any) error {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value, ok := optionText(object[name])
		if !ok {
			return fault.Errorf(fault.Usage, "%s: %q: expected text, a number, true, false or a list of texts", path, name)
		}
		if object[name] == nil {
			continue // Python's None: not set
		}
		if name == "data_file" {
			c.DataFile = value
			continue
		}
		o, err := lookup(table, name)
		if err == nil {
			err = c.setOption(o, value)
		}
		if err != nil {
			return fault.Errorf(fault.Usage, "%s: %w", path, err)
		}
	}
	return nil
}

// optionText writes a JSON value as it would stand on the command line.
func optionText(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool, json.Number:
		return fmt.Sprint(v), true
	case map[string]any:
		text, err := json.Marshal(v)
		return string(text), err == nil
	case []any:
		words := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return "", false
			}
			words[i] = s
		}
		return strings.Join(words, ","), true
	}
	return "", false
}
