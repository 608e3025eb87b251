package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Pieces of pickles, as torch.save and attackers write them.
const (
	protocol  = "\x80\x02"
	newDict   = "ccollections\nOrderedDict\n)R"
	rebuild   = "ctorch._utils\n_rebuild_tensor_v2\n"
	parameter = "ctorch._utils\n_rebuild_parameter\n"
)

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// long is an integer of eight bytes.
func long(v int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

func longs(values ...int64) string {
	var b strings.Builder
	b.WriteString("(")
	for _, v := range values {
		b.WriteString(long(v))
	}
	return b.String() + "t"
}

func storageOf(kind, key string, elements int64) string {
	return "(" + text("storage") + "ctorch\n" + kind + "\n" + text(key) + text("cpu") + long(elements) + "tQ"
}

func tensorOf(storage string, offset int64, shape, stride string) string {
	return rebuild + "(" + storage + long(offset) + shape + stride + "\x89" + newDict + "tR"
}

// model is a file of one tensor, "w", of a storage "0"; what is set replaces a
// part of it.
type model struct {
	elements int64  // of float32; 4 where it is 0
	tensor   string // the pickle of the tensor
	pickle   string // the whole pickle
	files    []file // further entries of the archive
	data     []byte // of the storage
	deflate  string // the entry that is compressed
}

type file struct{ name, content string }

func (m model) count() int64 {
	if m.elements == 0 {
		return 4
	}
	return m.elements
}

func (m model) program() string {
	n := m.count()
	if m.pickle != "" {
		return m.pickle
	}
	if m.tensor == "" {
		m.tensor = tensorOf(storageOf("FloatStorage", "0", n), 0, longs(n), longs(1))
	}
	return protocol + newDict + "(" + text("w") + m.tensor + "u."
}

func (m model) storage() []byte {
	if m.data == nil {
		return make([]byte, 4*m.count())
	}
	return m.data
}

func (m model) zip() []byte {
	return archiveOf(m.deflate, append([]file{
		{"m/data.pkl", m.program()}, {"m/byteorder", "little"}, {"m/data/0", string(m.storage())}, {"m/version", "3\n"},
	}, m.files...)...)
}

// archiveOf is a zip archive of stored entries, but for one.
func archiveOf(deflate string, files ...file) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store}
		if f.name == deflate {
			h.Method = zip.Deflate
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(f.content))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// legacy is the same model in the layout before torch 1.6.
func (m model) legacy() []byte {
	n := m.count()
	program := strings.ReplaceAll(m.program(), "tQ", "NtQ")
	out := legacyMagic + protocol + "}(" + text("little_endian") + "\x88u." + program + protocol + "](" + text("0") + "e."
	out += string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return append([]byte(out), m.storage()...)
}

// patch replaces the bytes at an offset, from the end where it is negative.
func patch(data []byte, at int, with ...byte) []byte {
	if at < 0 {
		at += len(data)
	}
	out := append([]byte(nil), data...)
	copy(out[at:], with)
	return out
}

// find is the place of what in data, of which there must be one more than skip.
func find(data []byte, what string, skip int) int {
	at := 0
	for ; skip >= 0; skip-- {
		i := bytes.Index(data[at:], []byte(what))
		if i < 0 {
			panic(fmt.Sprintf("%q is not in the file", what))
		}
		at += i + 1
	}
	return at - 1
}
