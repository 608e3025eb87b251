// Package licenses holds the licences of everything that the program is built
// from: its own, Go's, and those of the modules in go.mod that it links. Most of
// them ask that whoever passes on a binary passes on their text.
//
// The texts are files under texts/, in a folder by the module's path, that
// go generate copies from the module cache.
package licenses

import (
	"embed"
	"io/fs"
	"strings"
)

//go:generate sh collect.sh

//go:embed texts
var texts embed.FS

// Licence is one file of what somebody ships with a module: a licence, a notice
// or a grant of patents.
type Licence struct {
	Module, File, Text string
}

// All returns every file, ordered by the path of the module.
func All() []Licence {
	var all []Licence
	err := fs.WalkDir(texts, "texts", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := texts.ReadFile(path)
		slash := strings.LastIndexByte(path, '/')
		all = append(all, Licence{strings.TrimPrefix(path[:slash], "texts/"), path[slash+1:], string(text)})
		return err
	})
	if err != nil {
		panic("licenses: " + err.Error()) // the compiler put the files there
	}
	return all
}
