// Package strictyaml reads YAML files of settings as they stand. What a reader of
// YAML usually lets pass is an error here, of kind fault.Usage, with file and line:
//
//   - a key that a map has twice, or that nobody knows (Members);
//   - a list, a map or nothing where a single value is expected, and the reverse
//     (Text, List, Members);
//   - anchors, aliases, merged maps and tags, with which a value stands elsewhere
//     than where it is read, and a second document.
//
// A single value is its text: whether yes, 1e-5 or 010 is a truth, a number or a
// word is for the option to say that takes it, as on the command line.
//
//	file, err := strictyaml.Read("grid.yaml")
//	members, err := file.Members("seeds", "grid")   // grid.yaml: line 3: unknown key "sedes": …
//	text, err := members[0].Value.Text()
package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"pactune/internal/bounded"
	"pactune/internal/fault"
)

// maxFile is the most bytes that a file of settings may have.
const maxFile = 1 << 20

// Value is a value of a file, with the place where it stands.
type Value struct {
	file string
	node *yaml.Node
}

// Member is an entry of a map.
type Member struct {
	Name  string
	Key   *Value // where the name stands
	Value *Value
}

// Read reads a file. One that is not there is of kind fault.Data.
func Read(path string) (*Value, error) {
	text, err := bounded.ReadFile(nil, path, maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Errorf(fault.Data, "%s: no such file; expected settings in YAML: check the path", path)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	return Parse(path, text)
}

// Parse reads the text of the file path.
func Parse(path string, text []byte) (*Value, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := d.Decode(&document)
	if err == io.EOF {
		return nil, fault.Errorf(fault.Usage, "%s: the file is empty; expected settings in YAML", path)
	}
	if err == nil {
		if err = d.Decode(&second); err == nil {
			return nil, fault.Errorf(fault.Usage, "%s: line %d: found a second document; expected one", path, second.Line)
		}
	}
	if err != io.EOF {
		return nil, fault.Errorf(fault.Usage, "%s: %s", path, plain(err))
	}
	v := &Value{path, document.Content[0]}
	return v, v.check()
}

var internals = regexp.MustCompile(`^yaml: (offset|line|)`)

// plain is the library's message without its name.
func plain(err error) string { return internals.ReplaceAllString(err.Error(), "$1") }

// check refuses, here and below, what stands for something else and keys that are
// there twice.
func (v *Value) check() error {
	n := v.node
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return v.Errorf("found an anchor or an alias (&, *); expected every value where it is used")
	case n.Style&yaml.TaggedStyle != 0:
		return v.Errorf("found the tag %s; expected a value without one", n.Tag)
	}
	lines := map[string]int{}
	for i, c := range n.Content {
		child := &Value{v.file, c}
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if c.Kind != yaml.ScalarNode {
				return child.Errorf("found %s as a key; expected a name", child.kind())
			}
			if c.Tag == "!!merge" {
				return child.Errorf("found a merged map (<<); expected every value where it is used")
			}
			if line := lines[c.Value]; line > 0 {
				return child.Errorf("found the key %q twice, first in line %d; expected it once", c.Value, line)
			}
			lines[c.Value] = c.Line
		}
		if err := child.check(); err != nil {
			return err
		}
	}
	return nil
}

// Errorf is an error of kind fault.Usage about the value: file, line, what is wrong.
// %w wraps, as in fmt.Errorf.
func (v *Value) Errorf(format string, args ...any) error {
	return fault.Errorf(fault.Usage, "%s: line %d: "+format, append([]any{v.file, v.node.Line}, args...)...)
}

// kind is what the value is, for a message.
func (v *Value) kind() string {
	switch {
	case v.IsMap():
		return "a map"
	case v.IsList():
		return "a list"
	case v.node.Tag == "!!null":
		return "nothing"
	}
	return "the value " + v.node.Value
}

// IsMap tells whether the value is a map.
func (v *Value) IsMap() bool { return v.node.Kind == yaml.MappingNode }

// IsList tells whether the value is a list.
func (v *Value) IsList() bool { return v.node.Kind == yaml.SequenceNode }

// Text is a single value as it is written.
func (v *Value) Text() (string, error) {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		return "", v.Errorf("found %s; expected a single value", v.kind())
	}
	return v.node.Value, nil
}

// List is the values of a list.
func (v *Value) List() ([]*Value, error) {
	if !v.IsList() {
		return nil, v.Errorf("found %s; expected a list", v.kind())
	}
	list := make([]*Value, len(v.node.Content))
	for i, c := range v.node.Content {
		list[i] = &Value{v.file, c}
	}
	return list, nil
}

// Texts is the single values of a list, or a single value as a list of one.
func (v *Value) Texts() ([]string, error) {
	if !v.IsList() {
		text, err := v.Text()
		return []string{text}, err
	}
	texts := make([]string, len(v.node.Content))
	for i, c := range v.node.Content {
		var err error
		if texts[i], err = (&Value{v.file, c}).Text(); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// Members is the entries of a map in their order. With names, every key must be one
// of them.
func (v *Value) Members(names ...string) ([]Member, error) {
	if !v.IsMap() {
		return nil, v.Errorf("found %s; expected a map, as in \"key: value\"", v.kind())
	}
	var members []Member
	for i := 0; i < len(v.node.Content); i += 2 {
		key := &Value{v.file, v.node.Content[i]}
		m := Member{key.node.Value, key, &Value{v.file, v.node.Content[i+1]}}
		if len(names) > 0 && !slices.Contains(names, m.Name) {
			return nil, key.Errorf("unknown key %q: expected one of %s", m.Name, strings.Join(names, ", "))
		}
		members = append(members, m)
	}
	return members, nil
}
