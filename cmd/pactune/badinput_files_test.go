//go:build unix

package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// badFiles makes the files of bad inputs from those of a good job: model,
// train.txt, dev.txt, vocab.txt and tuned, a fine-tuned model.
type badFiles struct {
	t   *testing.T
	dir string
}

func newBadFiles(t *testing.T) *badFiles {
	t.Setenv("HF_HUB_CACHE", "cache") // the same on every machine
	t.Setenv("TRANSFORMERS_CACHE", "")
	t.Setenv("HF_ENDPOINT", "")
	f := &badFiles{t, job(t)}
	r := pactune(t, f.dir, "", strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --method cwgnc --max_steps 1 --output_dir tuned")...)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	return f
}

func (f *badFiles) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *badFiles) path(name string) string { return filepath.Join(f.dir, name) }

func (f *badFiles) write(name, content string) {
	f.t.Helper()
	f.must(os.WriteFile(f.path(name), []byte(content), 0o644))
}

func (f *badFiles) mkdir(name string)        { f.t.Helper(); f.must(os.MkdirAll(f.path(name), 0o755)) }
func (f *badFiles) remove(name string)       { f.t.Helper(); f.must(os.Remove(f.path(name))) }
func (f *badFiles) link(target, name string) { f.t.Helper(); f.must(os.Symlink(target, f.path(name))) }
func (f *badFiles) pipe(name string)         { f.t.Helper(); f.must(syscall.Mkfifo(f.path(name), 0o644)) }

func (f *badFiles) read(name string) []byte {
	f.t.Helper()
	data, err := os.ReadFile(f.path(name))
	f.must(err)
	return data
}

func renameFile(f *badFiles, from, to string) error { return os.Rename(f.path(from), f.path(to)) }

// copyModel makes a copy of a model's folder, to be spoilt.
func (f *badFiles) copyModel(from, to string) {
	f.t.Helper()
	f.mkdir(to)
	for _, name := range []string{"config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json"} {
		f.write(to+"/"+name, string(f.read(from+"/"+name)))
	}
}

// edit copies a model and changes keys of one of its JSON files.
func (f *badFiles) edit(from, to, file string, change func(map[string]any)) {
	f.t.Helper()
	f.copyModel(from, to)
	var object map[string]any
	f.must(json.Unmarshal(f.read(to+"/"+file), &object))
	change(object)
	data, err := json.Marshal(object)
	f.must(err)
	f.write(to+"/"+file, string(data))
}

// config copies model and sets keys of its config.json.
func (f *badFiles) config(to string, values map[string]any) {
	f.t.Helper()
	f.edit("model", to, "config.json", func(c map[string]any) {
		for key, v := range values {
			c[key] = v
		}
	})
}

// header is the header of a safetensors file: tensors by name.
type header map[string]*struct {
	DType   string    `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// weights copies a model and changes its weights: the header, and the bytes.
func (f *badFiles) weights(from, to string, change func(h header, body []byte) []byte) {
	f.t.Helper()
	f.copyModel(from, to)
	data := f.read(to + "/model.safetensors")
	n := binary.LittleEndian.Uint64(data)
	h := header{}
	f.must(json.Unmarshal(data[8:8+n], &h))
	delete(h, "__metadata__")
	body := change(h, data[8+n:])
	text, err := json.Marshal(h)
	f.must(err)
	out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	f.write(to+"/model.safetensors", string(append(out, body...)))
}

// set copies a model and sets one element of one of its tensors.
func (f *badFiles) set(from, to, tensor string, element int, v float32) {
	f.t.Helper()
	f.weights(from, to, func(h header, body []byte) []byte {
		at := h[tensor].Offsets[0] + uint64(4*element)
		binary.LittleEndian.PutUint32(body[at:], math.Float32bits(v))
		return body
	})
}

// cut copies model and keeps the first rows of a table.
func (f *badFiles) cut(to, tensor string, rows int, values map[string]any) {
	f.t.Helper()
	f.config(to+".config", values)
	f.weights(to+".config", to, func(h header, body []byte) []byte {
		e := h[tensor]
		size := (e.Offsets[1] - e.Offsets[0]) / uint64(e.Shape[0])
		end := e.Offsets[0] + size*uint64(rows)
		gone := e.Offsets[1] - end
		body = append(body[:end:end], body[e.Offsets[1]:]...)
		for _, other := range h {
			if other.Offsets[0] >= e.Offsets[1] {
				other.Offsets[0] -= gone
				other.Offsets[1] -= gone
			}
		}
		e.Shape[0], e.Offsets[1] = rows, end
		return body
	})
	f.must(os.RemoveAll(f.path(to + ".config")))
}

// vocabulary copies model with another vocab.txt and no tokenizer.json.
func (f *badFiles) vocabulary(to, content string) {
	f.t.Helper()
	f.copyModel("model", to)
	f.remove(to + "/tokenizer.json")
	f.write(to+"/vocab.txt", content)
}

// replace copies model with another content of one file.
func (f *badFiles) replace(to, file, content string) {
	f.t.Helper()
	f.copyModel("model", to)
	f.write(to+"/"+file, content)
}
