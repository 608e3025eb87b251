package corpus

import (
	"bufio"
	"compress/gzip"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"

	"pactune/internal/fault"
)

// source is the text of an open file, uncompressed.
type source struct {
	path string
	file *os.File
	buf  *bufio.Reader
	zip  *gzip.Reader // nil for plain text
	at   int64        // bytes of text read
}

// openSource opens a file; all bytes of the file that are read go to also, if
// there is one.
func openSource(path string, also io.Writer) (*source, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return nil, noText(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Errorf(fault.Data, "%s is a %s: expected a regular file, which can be read again every epoch", path, kindOf(info))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, noText(path, err)
	}
	s := &source{path: path, file: file}
	if err := s.begin(also); err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// noText says why a file cannot be read.
func noText(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Data, "%s: no such file; expected plain text or .gz", path)
	}
	return fault.Errorf(fault.Data, "%s: cannot be read: %w", path, err)
}

func (s *source) begin(also io.Writer) error {
	var bytes io.Reader = s.file
	if also != nil {
		bytes = io.TeeReader(s.file, also)
	}
	s.buf = bufio.NewReaderSize(bytes, 32<<10)
	if magic, _ := s.buf.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		var err error
		if s.zip, err = gzip.NewReader(s.buf); err != nil {
			return s.damaged(err)
		}
	}
	return nil
}

func kindOf(info os.FileInfo) string {
	if info.IsDir() {
		return "folder"
	}
	return "device or pipe"
}

// read fills dst and returns how many bytes it got: fewer only at the end.
func (s *source) read(dst []byte) (n int, err error) {
	for n < len(dst) && err == nil {
		var got int
		if s.zip != nil {
			got, err = s.zip.Read(dst[n:])
		} else {
			got, err = s.buf.Read(dst[n:])
		}
		n += got
		s.at += int64(got)
	}
	if err == nil || err == io.EOF {
		return n, nil
	}
	return n, s.failed(err)
}

func (s *source) failed(err error) error {
	if s.zip != nil {
		return s.damaged(err)
	}
	return fault.Errorf(fault.Data, "%s: reading failed behind byte %d: %w", s.path, s.at, err)
}

func (s *source) damaged(err error) error {
	at, _ := s.file.Seek(0, io.SeekCurrent)
	at -= int64(s.buf.Buffered())
	return fault.Errorf(fault.Data, "%s: damaged gzip data near byte %d of the file, byte %d of its text: %w: expected what gzip -t accepts; get or make the file again", s.path, at, s.at, err)
}

// reader reads the blocks of a counted file in ascending order.
type reader struct {
	source *source
	block  int // the next one
}

func (r *reader) close() {
	if r.source != nil {
		r.source.file.Close()
		r.source = nil
	}
}

// read fills dst, grown or cut as needed, with block b of the file, which it
// compares with what was counted.
func (r *reader) read(dst []byte, file *File, b int) (text []byte, err error) {
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if err := r.moveTo(file, b); err != nil {
		return dst, err
	}
	length := int(file.blocks[b].length)
	dst = slices.Grow(dst[:0], length)[:length]
	n, err := r.source.read(dst)
	if err != nil {
		return dst, err
	}
	if n < length || crc32.ChecksumIEEE(dst) != file.blocks[b].sum {
		return dst, fault.Errorf(fault.Data, "%s was changed after it was counted: bytes %d to %d of its text differ; leave the files of a run alone", file.Path, r.source.at-int64(n), r.source.at-int64(n)+int64(length))
	}
	r.block = b + 1
	return dst, nil
}

// moveTo makes b the next block.
func (r *reader) moveTo(file *File, b int) error {
	if r.source == nil || r.block > b {
		if err := r.reopen(file); err != nil {
			return err
		}
	}
	var skip int64
	for ; r.block < b; r.block++ {
		skip += int64(file.blocks[r.block].length)
	}
	return r.source.skip(skip)
}

// reopen goes back to the first block.
func (r *reader) reopen(file *File) (err error) {
	r.close()
	if r.source, err = openSource(file.Path, nil); err != nil {
		return err
	}
	r.block = 0
	info, err := r.source.file.Stat()
	if err != nil {
		return noText(file.Path, err)
	}
	if info.Size() != file.Size {
		return fault.Errorf(fault.Data, "%s was changed after it was counted: found %d bytes, expected %d; leave the files of a run alone", file.Path, info.Size(), file.Size)
	}
	return nil
}

// skip leaves out n bytes of text.
func (s *source) skip(n int64) error {
	if n == 0 {
		return nil
	}
	if s.zip == nil {
		s.at += n
		if _, err := s.file.Seek(s.at, io.SeekStart); err != nil {
			return s.failed(err)
		}
		s.buf.Reset(s.file)
		return nil
	}
	scratch := make([]byte, min(n, 32<<10))
	for n > 0 {
		got, err := s.read(scratch[:min(n, int64(len(scratch)))])
		if err != nil || got == 0 {
			return err
		}
		n -= int64(got)
	}
	return nil
}
