package train

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
)

// Licence is what the folder of a model says of the terms that it is under. A
// model that started from it carries them on.
type Licence struct {
	Name  string // "license" in the front matter of README.md, such as cc-by-sa-4.0
	texts []text // LICENSE and NOTICE, where they are
}

type text struct {
	name    string
	content []byte
}

const maxLicence = 1 << 20 // of a file, in bytes

// ReadLicence reads README.md, LICENSE and NOTICE in the root of a model's
// folder; all may be missing.
func ReadLicence(folder fs.FS) (l Licence, err error) {
	for _, name := range []string{"README.md", "LICENSE", "NOTICE"} {
		content, err := bounded.ReadFile(folder, name, maxLicence)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return l, fault.Errorf(fault.Model, "%w", err)
		}
		if name == "README.md" {
			l.Name = licenceOf(content)
		} else {
			l.texts = append(l.texts, text{name, content})
		}
	}
	return l, nil
}

// licenceOf finds the line "license: NAME" between the two lines --- that a
// model card begins with.
func licenceOf(card []byte) string {
	lines := bytes.Split(card, []byte("\n"))
	if strings.TrimSpace(string(lines[0])) != "---" {
		return ""
	}
	for _, line := range lines[1:] {
		text := strings.TrimRight(string(line), " \t\r")
		if text == "---" {
			return ""
		}
		if name, ok := strings.CutPrefix(text, "license:"); ok {
			return strings.Trim(strings.TrimSpace(name), `"'`)
		}
	}
	return ""
}

// Write writes LICENSE and NOTICE with write, as the model that started from
// theirs has to carry them.
func (l *Licence) Write(write func(name string, content func(io.Writer) error) error) error {
	for _, t := range l.texts {
		if err := write(t.name, func(w io.Writer) error { _, err := w.Write(t.content); return err }); err != nil {
			return err
		}
	}
	return nil
}

// FrontMatter is the line of a model card, "" without a licence.
func (l *Licence) FrontMatter() string {
	if l.Name == "" {
		return ""
	}
	return "license: " + yamlText(l.Name) + "\n"
}
