package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/safetensors"
)

// Need says for what a model is looked up.
type Need int

const (
	Model      Need = iota // config.json, weights and vocabulary
	Vocabulary             // its tokeniser alone
)

// maxRef is the most bytes that the name of a commit may have in its file.
const maxRef = 1 << 12

// The files of a model that are read.
const (
	Config       = "config.json"
	Weights      = "model.safetensors"
	WeightsIndex = "model.safetensors.index.json"
	Pickle       = "pytorch_model.bin"
)

var (
	vocabularies = []string{"tokenizer.json", "vocab.txt"} // one is enough
	extras       = []string{"tokenizer_config.json", "special_tokens_map.json"}
)

// Folder returns the folder of a model: name itself where there is one, else
// the snapshot of that revision in the cache, "" being the usual one. What
// neither is comes back as it is: whoever opens it says what is wrong. A model
// that the cache lacks is an error of kind fault.Model, which says how to get it.
func Folder(name, revision, cache string, need Need) (string, error) {
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) || !IsName(name) {
		return name, nil
	}
	ref := Ref{name, revision}
	if err := ref.Check(); err != nil {
		return "", err
	}
	dir := CacheDir(cache)
	snapshot, missing, err := ref.Find(dir, need)
	if err != nil {
		return "", err
	}
	if len(missing) == 0 {
		return snapshot, nil
	}
	return "", fault.Errorf(fault.Model, "%s: no such folder, and %s; fetch it with\n    %s\nWithout a network here, %s",
		name, ref.Absent(dir, snapshot, missing), ref.command(cache), ref.ByHand(need))
}

// Absent says in words that Find found no whole model.
func (r Ref) Absent(cache, snapshot string, missing []string) string {
	switch {
	case snapshot != "":
		return fmt.Sprintf("%s of the cache lacks %s", snapshot, strings.Join(missing, ", "))
	case exists(r.Storage(cache)):
		return fmt.Sprintf("the cache %s does not hold revision %s of the model", cache, r.Revision)
	}
	return fmt.Sprintf("the cache %s does not hold the model", cache)
}

// command is what fetches the model.
func (r Ref) command(cache string) string {
	text := "pactune download " + r.Name
	if r.Revision != Main {
		text += " --revision " + r.Revision
	}
	if cache != "" {
		text += " --cache_dir " + cache
	}
	return text
}

// ByHand tells how to get a model where the hub is out of reach: the files,
// their addresses and the folder to put them in.
func (r Ref) ByHand(need Need) string {
	endpoint, err := Endpoint()
	if err != nil {
		return err.Error()
	}
	list := append(append([]string{}, vocabularies...), extras[0])
	if need == Model {
		list = append([]string{Config, Weights}, list...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "get what there is of these files elsewhere, put them into a folder %s and try again:", r.Name)
	for _, file := range list {
		b.WriteString("\n    " + r.Address(endpoint, file))
	}
	return b.String()
}

// Find looks a model up in a cache. It returns the snapshot, "" if there is
// none, and what is missing; a damaged cache is an error of kind fault.Model.
func (r Ref) Find(cache string, need Need) (snapshot string, missing []string, err error) {
	at := r.Revision
	if !IsCommit(at) {
		path := filepath.Join(r.Storage(cache), "refs", filepath.FromSlash(r.Revision))
		text, err := bounded.ReadFile(nil, path, maxRef)
		if errors.Is(err, fs.ErrNotExist) {
			return "", []string{"refs/" + r.Revision}, nil
		}
		if err != nil {
			return "", nil, fault.Errorf(fault.Model, "%w", err)
		}
		if at = strings.TrimSpace(string(text)); !IsCommit(at) {
			return "", nil, fault.Errorf(fault.Model, "%s: found %.60q, expected the 40 digits of a commit; remove the file and fetch the model again: %s", path, at, r.command(""))
		}
	}
	snapshot = filepath.Join(r.Storage(cache), "snapshots", at)
	if !exists(snapshot) {
		return "", []string{"snapshots/" + at}, nil
	}
	missing, err = lacks(snapshot, need)
	return snapshot, missing, err
}

// lacks lists what a folder of a model does not have.
func lacks(dir string, need Need) (missing []string, err error) {
	has := func(name string) bool { return exists(filepath.Join(dir, name)) }
	if need == Model {
		if !has(Config) {
			missing = append(missing, Config)
		}
		index := filepath.Join(dir, WeightsIndex)
		switch {
		case has(Weights):
		case exists(index):
			text, err := bounded.ReadFile(nil, index, safetensors.MaxIndex)
			if err != nil {
				return nil, fault.Errorf(fault.Model, "%w", err)
			}
			parts, err := safetensors.Parts(index, text)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				if !has(part) {
					missing = append(missing, part)
				}
			}
		case !has(Pickle):
			missing = append(missing, Weights)
		}
	}
	if !has(vocabularies[0]) && !has(vocabularies[1]) {
		missing = append(missing, strings.Join(vocabularies, " or "))
	}
	return missing, nil
}

// exists follows links: one that leads nowhere is nothing.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Choose picks from the names of a hub's files those that are read: only plain
// names, whatever else the list holds. Of weights that are parts it is the
// index. A model without what is needed is an error of kind fault.Model.
func Choose(list []string) ([]string, error) {
	has := make(map[string]bool, len(list))
	for _, name := range list {
		has[name] = true
	}
	var chosen, missing []string
	for _, name := range append(append([]string{Config}, vocabularies...), extras...) {
		if has[name] {
			chosen = append(chosen, name)
		}
	}
	if !has[Config] {
		missing = append(missing, Config)
	}
	if !has[vocabularies[0]] && !has[vocabularies[1]] {
		missing = append(missing, strings.Join(vocabularies, " or "))
	}
	switch {
	case has[Weights]:
		chosen = append(chosen, Weights)
	case has[WeightsIndex]:
		chosen = append(chosen, WeightsIndex)
	case has[Pickle]:
		chosen = append(chosen, Pickle)
	default:
		missing = append(missing, Weights+" or "+Pickle)
	}
	if len(missing) > 0 {
		return nil, fault.Errorf(fault.Model, "the model has no %s; expected a BERT with its weights and its vocabulary", strings.Join(missing, " and no "))
	}
	return chosen, nil
}
