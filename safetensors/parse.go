package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// MaxIndex is the most bytes that model.safetensors.index.json may have.
const MaxIndex = maxHeader

const (
	lengthBytes = 8
	maxHeader   = 100_000_000 // bytes, as in every reader of the format
	metadataKey = "__metadata__"
)

// entry is what the header says of one tensor; a file may have a million.
type entry struct {
	name       string
	begin, end int64
	shape      int32 // where its sizes begin in File.sizes
	rank       int32 // their number
	at         int32 // of the name in the header
	dtype      int8  // in dtypes
}

func (f *File) shape(e *entry) []int {
	return f.sizes[e.shape : e.shape+e.rank : e.shape+e.rank]
}

// Parse reads a file that is in memory; name stands for it in errors, which are
// of kind fault.Model. The tensors are views of data.
func Parse(data []byte, name string) (*File, error) {
	f := &File{name: name}
	if err := f.parse(data); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) parse(data []byte) error {
	header, err := headerOf(data, f.name)
	if err != nil {
		return err
	}
	f.body = data[lengthBytes+len(header):]
	s := strictjson.New(header, lengthBytes)
	f.readHeader(s)
	f.tile(s)
	return wrong(f.name, s.Err)
}

// wrong is an error about a file, nil where err is.
func wrong(name string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Model, "%s: %w", name, err)
}

// headerOf copies the header out of the file, after holding its length against
// the file's.
func headerOf(data []byte, name string) (header string, err error) {
	if len(data) < lengthBytes {
		return "", fault.Errorf(fault.Model, "%s: found %d bytes, expected at least the %d of the header's length", name, len(data), lengthBytes)
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return "", fault.Errorf(fault.Model, "%s: byte 0: found a header of %d bytes, expected at most %d: this is no safetensors file (perhaps a web page, or a pointer of Git LFS)", name, n, maxHeader)
	}
	if rest := uint64(len(data) - lengthBytes); n > rest {
		return "", fault.Errorf(fault.Model, "%s: byte 0: found a header of %d bytes, expected at most the %d that the file still has: it is cut short or no safetensors file", name, n, rest)
	}
	return string(data[lengthBytes : lengthBytes+n]), nil
}

// readHeader reads the header's object.
func (f *File) readHeader(s *strictjson.Scanner) {
	// A guess of the number of tensors, which a hostile header cannot push
	// beyond what an honest one of its length needs.
	n := min(strings.Count(s.Text, "data_offsets"), len(s.Text)/40)
	f.entries, f.sizes = make([]entry, 0, n), make([]int, 0, n)
	f.index = make(map[string]int32, n)
	metadata := false
	s.Members(func(key string, at int) {
		if key == metadataKey {
			if metadata {
				s.Fail(at, "found %q twice", key)
			}
			metadata = true
			f.metadata = readMetadata(s)
			return
		}
		if _, ok := f.index[key]; ok {
			s.Fail(at, "found the tensor %q twice, expected every name once", key)
			return
		}
		if strings.IndexByte(key, 0) >= 0 {
			s.Fail(at, "found the character NUL in the tensor name %q", key)
			return
		}
		f.index[key] = 0
		f.entries = append(f.entries, f.readEntry(s, key, at))
	})
	s.End()
}

// readMetadata reads an object of texts, or null.
func readMetadata(s *strictjson.Scanner) map[string]string {
	if s.Peek() == 'n' {
		s.Skip()
		return nil
	}
	out := make(map[string]string)
	s.Members(func(key string, at int) {
		if _, ok := out[key]; ok {
			s.Fail(at, "found the key %q of %s twice", key, metadataKey)
			return
		}
		out[key] = s.Str()
	})
	return out
}

// readEntry reads {"dtype": …, "shape": […], "data_offsets": […, …]}; members
// of other names are passed over.
func (f *File) readEntry(s *strictjson.Scanner, name string, at int) entry {
	e := entry{name: name, at: int32(at), shape: int32(len(f.sizes))}
	var seen [3]bool
	s.Members(func(key string, at int) {
		i := -1
		for k, known := range [3]string{"dtype", "shape", "data_offsets"} {
			if key == known {
				i = k
			} else if strings.EqualFold(key, known) {
				s.Fail(at, "tensor %q: found the key %q, expected %q", name, key, known)
				return
			}
		}
		if i >= 0 && seen[i] {
			s.Fail(at, "tensor %q: found the key %q twice", name, key)
			return
		}
		switch i {
		case 0:
			e.dtype = readDType(s, name)
		case 1:
			s.List('[', ']', func() { f.sizes = append(f.sizes, readSize(s)) })
			e.rank = int32(len(f.sizes)) - e.shape
		case 2:
			e.begin, e.end = readOffsets(s, name)
		default:
			s.Skip()
			return
		}
		seen[i] = true
	})
	if seen != [3]bool{true, true, true} {
		s.Fail(at, "tensor %q: expected the keys dtype, shape and data_offsets", name)
	}
	return e
}

func readDType(s *strictjson.Scanner, name string) int8 {
	s.Peek()
	at := s.Pos
	text := s.Str()
	i := DType(text).rank()
	if i < 0 {
		s.Fail(at, "tensor %q: found the dtype %.40q, which is none of the format or has elements smaller than a byte", name, text)
	}
	return int8(i)
}

func readSize(s *strictjson.Scanner) int {
	s.Peek()
	at := s.Pos
	v := s.Count()
	if int64(int(v)) != v {
		s.Fail(at, "found a size of %d, which this machine cannot address", v)
	}
	return int(v)
}

func readOffsets(s *strictjson.Scanner, name string) (begin, end int64) {
	s.Peek()
	at, n := s.Pos, 0
	s.List('[', ']', func() {
		begin, end = end, s.Count()
		n++
	})
	if n != 2 {
		s.Fail(at, "tensor %q: data_offsets: found %d numbers, expected 2", name, n)
	}
	return begin, end
}

// tile sorts the tensors by their bytes, those of equal place as the header has
// them, and checks that each has the bytes of its shape and that together they
// are the body: no hole, no overlap, no rest.
func (f *File) tile(s *strictjson.Scanner) {
	if s.Err != nil {
		return
	}
	slices.SortStableFunc(f.entries, func(a, b entry) int {
		if c := cmp.Compare(a.begin, b.begin); c != 0 {
			return c
		}
		return cmp.Compare(a.end, b.end)
	})
	last, body := int64(0), int64(len(f.body))
	for i := range f.entries {
		e := &f.entries[i]
		f.index[e.name] = int32(i)
		fail := func(expected string) {
			s.Fail(int(e.at), "tensor %q: found the bytes %d to %d, expected %s", e.name, e.begin, e.end, expected)
		}
		dtype, shape := dtypes[e.dtype].name, f.shape(e)
		want, ok := byteSize(dtype, shape)
		switch {
		case e.end < e.begin:
			fail("an end behind the beginning")
		case e.begin < last:
			fail(fmt.Sprintf("a beginning at %d: it overlaps the tensor before", last))
		case e.begin > last:
			fail(fmt.Sprintf("a beginning at %d: nothing else may stand between tensors", last))
		case e.end > body:
			fail(fmt.Sprintf("an end within the %d bytes that the file has for tensors: it is cut short, copy or download it again", body))
		case !ok || want != uint64(e.end-e.begin):
			fail(describe(dtype, shape, want, ok))
		}
		if s.Err != nil {
			return
		}
		last = e.end
	}
	if last != body {
		s.Fail(len(s.Text)+int(last), "found %d bytes behind the last tensor, expected none", body-last)
	}
}
