package embedded

import (
	"bytes"
	"io"
	"io/fs"
	"time"

	"pactune/bert"
	"pactune/safetensors"
	"pactune/tokenizer"
	"pactune/train"
)

// Default is the encoder as the model of a run that names other data. It panics
// only if the embedded files are broken, which a test excludes.
func Default() *train.Builtin {
	b := Job()
	b.Data, b.TrainFile, b.ValidationFile = nil, "", ""
	return b
}

// Job is the job that runs when nothing is named: PAC-tuning of the encoder
// on the texts of this package. It panics only if the embedded files are
// broken, which a test excludes.
func Job() *train.Builtin {
	model, err := Encoder()
	if err != nil {
		panic("embedded: " + err.Error())
	}
	return &train.Builtin{
		Name: "embedded", Model: model, Data: Files(), TrainFile: TrainFile, ValidationFile: DevFile,
		Encoding: "the encoder in the binary (2 layers of width 128 from a seed, not pretrained)",
	}
}

// The encoder: its shape, and the seed of its weights.
const (
	layers, hidden, heads = 2, 128, 2
	positions             = 64
	encoderSeed           = 1
)

// Encoder returns a model folder with the encoder inside the binary. Its
// weights are drawn from a seed: it is not pretrained and has read nothing.
func Encoder() (fs.FS, error) {
	tok, err := tokenizer.FromVocab(bytes.NewReader(Vocab()), VocabFile, tokenizer.Options{Lowercase: true})
	if err != nil {
		return nil, err
	}
	config, err := bert.Sized("tiny", tok.VocabSize())
	if err != nil {
		return nil, err
	}
	config.Layers, config.HiddenSize, config.Heads, config.Intermediate = layers, hidden, heads, 4*hidden
	config.MaxPositions = positions
	model, err := bert.New(config, bert.HeadNone, 0)
	if err != nil {
		return nil, err
	}
	model.Initialise(encoderSeed)
	folder := memory{}
	if err := tok.WriteFiles(func(name string, data []byte) error { folder[name] = data; return nil }); err != nil {
		return nil, err
	}
	if folder["config.json"], err = model.Config.JSON(); err != nil {
		return nil, err
	}
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, model.Tensors(), map[string]string{"format": "pt"}); err != nil {
		return nil, err
	}
	folder["model.safetensors"] = weights.Bytes()
	return folder, nil
}

// memory is a flat file system of named contents.
type memory map[string][]byte

func (m memory) Open(name string) (fs.File, error) {
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{name: name, size: int64(len(data)), Reader: bytes.NewReader(data)}, nil
}

// file is an open file of a memory; it is its own fs.FileInfo.
type file struct {
	io.Reader
	name string
	size int64
}

func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Close() error               { return nil }
func (f *file) Name() string               { return f.name }
func (f *file) Size() int64                { return f.size }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
