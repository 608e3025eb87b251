package learn

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"unicode/utf8"

	"pactune/internal/fault"
)

// blockSize is the bytes of text that a worker takes at a time.
const blockSize = 1 << 20

// text cuts what it reads into blocks that end behind a space or a line break,
// where no word goes on.
type text struct {
	name   string
	packed bool
	r      io.Reader
	rest   []byte // read, and not part of a block yet
	size   int64  // bytes read, unpacked
}

// unpacked is the text of r, which is gzip's where its name or its first bytes
// say so.
func unpacked(name string, r io.Reader) (*text, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	t := &text{name: name, r: buffered}
	start, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		return nil, t.failed(err)
	}
	if t.packed = string(start) == "\x1f\x8b" || strings.HasSuffix(name, ".gz"); t.packed {
		if t.r, err = gzip.NewReader(buffered); err != nil {
			return nil, t.failed(err)
		}
	}
	return t, nil
}

func (t *text) failed(err error) error {
	if t.packed {
		return fault.Errorf(fault.Data, "%s: damaged behind %d bytes of text (%w); expected a whole file of gzip: copy or download it again", t.name, t.size, err)
	}
	return fault.Errorf(fault.Data, "%s: %w", t.name, err)
}

// Read reads from r; its errors name the file.
func (t *text) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.size += int64(n)
	if err != nil && err != io.EOF {
		err = t.failed(err)
	}
	return n, err
}

// next reads the next block into dst, whose capacity is kept; io.EOF comes with
// the last one.
func (t *text) next(dst []byte) ([]byte, error) {
	dst = append(dst[:0], t.rest...)
	n, err := io.ReadFull(t, dst[len(dst):cap(dst)])
	dst, t.rest = dst[:len(dst)+n], t.rest[:0]
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return dst, io.EOF
	}
	if err != nil {
		return nil, err
	}
	cut := 1 + bytes.LastIndexAny(dst, " \n")
	if cut == 0 { // one word, or a script without spaces
		for cut = len(dst) - 1; cut > len(dst)-utf8.UTFMax && !utf8.RuneStart(dst[cut]); cut-- {
		}
	}
	t.rest = append(t.rest, dst[cut:]...)
	return dst[:cut], nil
}

// batch is some blocks; err comes with the last batch and is io.EOF at the
// end of the text.
type batch struct {
	blocks [][]byte
	err    error
}

// batches reads up to n blocks at a time, into memory that the receiver sends
// back by free. It reads apart from its receiver, because a read that waits
// for a person or a pipe cannot be ended.
func (t *text) batches(ctx context.Context, n int, free <-chan [][]byte) <-chan batch {
	come := make(chan batch)
	go func() {
		for blocks := range free {
			b := batch{}
			for i := 0; i < n && b.err == nil; i++ {
				var block []byte
				block, b.err = t.next(blocks[i])
				b.blocks = append(b.blocks, block)
			}
			select {
			case come <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return come
}
