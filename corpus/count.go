package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"unicode/utf8"

	"pactune/internal/fault"
	"pactune/internal/par"
)

// File is what one pass over a file found.
type File struct {
	Path   string
	Size   int64  // bytes of the file
	SHA256 string // of the file, hexadecimal
	Bytes  int64  // bytes of its text: more than Size for .gz
	Lines  int64  // the last may have no end
	Blocks int

	BadBytes int64 // bytes that are not UTF-8, or zero; the tokeniser drops them
	BadLine  int64 // line of the first, 1-based; 0 without

	blocks []block
}

// block is consecutive text of a file.
type block struct{ length, sum uint32 }

// Notes says what a user should know about the files: bytes that are not text.
func (c *Corpus) Notes() []string {
	var notes []string
	for i := range c.files {
		if f := &c.files[i]; f.BadBytes > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d of %d bytes are not UTF-8 text, first in line %d; they are left out", f.Path, f.BadBytes, f.Bytes, f.BadLine))
		}
	}
	return notes
}

// counting counts files, a piece each.
type counting struct {
	files  []File
	errors []error
	block  int
}

func (c *counting) Piece(i int) { c.errors[i] = c.files[i].count(c.block) }

// countAll counts the files and refuses two of the same content.
func countAll(paths []string, block int, pool *par.Pool) ([]File, error) {
	c := counting{make([]File, len(paths)), make([]error, len(paths)), block}
	for i, path := range paths {
		c.files[i].Path = path
	}
	pool.Run(len(paths), &c)
	seen := make(map[string]string, len(paths))
	for i := range c.files {
		if c.errors[i] != nil {
			return nil, c.errors[i]
		}
		f := &c.files[i]
		if other, twice := seen[f.SHA256]; twice {
			return nil, fault.Errorf(fault.Data, "%s and %s hold the same bytes: expected every text once, or held-out text is trained on", other, f.Path)
		}
		seen[f.SHA256] = f.Path
	}
	return c.files, nil
}

// count reads the file once.
func (f *File) count(limit int) error {
	digest := sha256.New()
	s, err := openSource(f.Path, digest)
	if err != nil {
		return err
	}
	defer s.file.Close()
	buf, filled, ended := make([]byte, limit), 0, true
	for {
		n, err := s.read(buf[filled:])
		if err != nil {
			return err
		}
		filled += n
		if filled == 0 {
			break
		}
		length := filled
		if filled == limit {
			length = cut(buf)
		}
		f.add(buf[:length])
		ended = buf[length-1] == '\n'
		filled = copy(buf, buf[length:filled])
	}
	if !ended {
		f.Lines++
	}
	info, err := s.file.Stat()
	if err != nil {
		return noText(f.Path, err)
	}
	f.Size, f.SHA256 = info.Size(), hex.EncodeToString(digest.Sum(nil))
	return f.judge()
}

// add takes one block.
func (f *File) add(text []byte) {
	f.blocks = append(f.blocks, block{uint32(len(text)), crc32.ChecksumIEEE(text)})
	f.Blocks++
	f.Bytes += int64(len(text))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		f.addBad(text)
	}
	f.Lines += int64(bytes.Count(text, []byte{'\n'}))
}

// addBad counts the bytes of a block that are not text.
func (f *File) addBad(text []byte) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			if f.BadBytes++; f.BadLine == 0 {
				f.BadLine = f.Lines + int64(bytes.Count(text[:i], []byte{'\n'})) + 1
			}
		}
		i += size
	}
}

// judge refuses files that are no text.
func (f *File) judge() error {
	switch {
	case f.Bytes == 0:
		return fault.Errorf(fault.Data, "%s: the file holds no text", f.Path)
	case f.BadBytes > f.Bytes/100:
		return fault.Errorf(fault.Data, "%s: %d of %d bytes are not UTF-8 text, first in line %d: expected plain text or gzip; convert it to UTF-8 (iconv -t UTF-8)", f.Path, f.BadBytes, f.Bytes, f.BadLine)
	}
	return nil
}

// cut is where the block at the start of the text ends: behind the last blank
// line of its last quarter, or the last line's end, or the last space, or before
// the last character, which may be incomplete.
func cut(text []byte) int {
	if i := bytes.LastIndex(text, []byte("\n\n")); i >= len(text)*3/4 {
		return i + 2
	}
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.LastIndexByte(text, ' '); i >= 0 {
		return i + 1
	}
	for i := len(text) - 1; i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			return i
		}
	}
	return len(text)
}
