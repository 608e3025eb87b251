package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"reflect"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A page says in its header how large it is, and in its runs how often a value is
// there; the library makes room for whatever it says. checkFooter and checkChunk hold
// each of these numbers against the others before the library sees them.

var (
	protocol   thrift.CompactProtocol
	footerType = reflect.TypeOf(format.FileMetaData{})
	headerType = reflect.TypeOf(format.PageHeader{})
)

// Of a page: what it may hold in any case, and how much more than its compressed bytes.
// gzip makes 1,032 of one byte at most; the others reach more on what repeats itself.
const (
	pageBytes = 16 << 20
	pageRatio = 1100

	zstdWindow = 32 << 20 // of what is not made for long distances, the largest
)

// checkFooter holds the footer of a file against the library's decoder, and the depth
// of its schema against what the library can open: it names every group by its whole
// path first.
func checkFooter(footer []byte) error {
	w := walk{b: footer}
	if w.structOf(footerType, 0); w.err != nil {
		return w.err
	}
	var m format.FileMetaData
	if err := thrift.Unmarshal(&protocol, footer, &m); err != nil {
		return err
	}
	var open []int32 // of the groups that an element is in: how many children are still to come
	for _, e := range m.Schema {
		for len(open) > 0 && open[len(open)-1] <= 0 {
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			open[len(open)-1]--
		}
		if open = append(open, e.NumChildren); len(open) > deepest {
			return fmt.Errorf("found groups of columns in one another, more than %d deep", deepest)
		}
	}
	return nil
}

// checkChunk walks the pages of a column of a group of rows.
func checkChunk(content []byte, m *format.ColumnMetaData, column *parquet.Column) error {
	at := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		at = m.DictionaryPageOffset
	}
	size := int64(len(content))
	if at < 0 || m.TotalCompressedSize < 0 || at > size || m.TotalCompressedSize > size-at {
		return fmt.Errorf("found a column of %d bytes at byte %d in a file of %d", m.TotalCompressedSize, at, size)
	}
	// Each value of a list and of a row counts.
	values := rowsPerByte * size
	for rest := content[at : at+m.TotalCompressedSize]; len(rest) > 0; {
		w := walk{b: rest}
		if w.structOf(headerType, 0); w.err != nil {
			return w.err
		}
		var h format.PageHeader
		if err := thrift.Unmarshal(&protocol, rest[:len(rest)-len(w.b)], &h); err != nil {
			return err
		}
		data := w.take(uint64(uint32(h.CompressedPageSize)))
		if w.err != nil {
			return w.err
		}
		if limit := max(pageBytes, pageRatio*int64(len(data))); h.UncompressedPageSize < 0 || int64(h.UncompressedPageSize) > limit {
			return fmt.Errorf("found a page of %d bytes made of %d, expected at most %d", h.UncompressedPageSize, len(data), limit)
		}
		p := page{header: &h, codec: m.Codec, data: data, column: column}
		n, err := p.check()
		if err != nil {
			return err
		}
		if values -= n; values < 0 {
			return fmt.Errorf("found more than %d values in a file of %d bytes", rowsPerByte*size, size)
		}
		rest = w.b
	}
	return nil
}

type page struct {
	header *format.PageHeader
	codec  format.CompressionCodec
	data   []byte
	column *parquet.Column
}

// check returns the number of values that the page claims, when it holds no more.
func (p *page) check() (values int64, err error) {
	h := p.header
	repetition, definition := p.column.MaxRepetitionLevel(), p.column.MaxDefinitionLevel()
	switch {
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader != nil:
		d := h.DictionaryPageHeader
		data, err := p.plain(p.data, true)
		if err == nil {
			err = checkValues(d.Encoding, data, int64(d.NumValues))
		}
		return int64(d.NumValues), err
	case h.Type == format.DataPage && h.DataPageHeader != nil:
		d := h.DataPageHeader
		n := int64(d.NumValues)
		data, err := p.plain(p.data, true)
		for _, level := range []int{repetition, definition} {
			if err == nil && level > 0 {
				data, err = levels(data, level, n)
			}
		}
		if err == nil {
			err = checkValues(d.Encoding, data, n)
		}
		return n, err
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2 != nil:
		d := h.DataPageHeaderV2
		n := int64(d.NumValues)
		w := walk{b: p.data}
		first, second := w.take(uint64(uint32(d.RepetitionLevelsByteLength))), w.take(uint64(uint32(d.DefinitionLevelsByteLength)))
		if w.err != nil {
			return 0, w.err
		}
		if repetition > 0 {
			err = checkRuns(first, bits.Len(uint(repetition)), n)
		}
		if err == nil && definition > 0 {
			err = checkRuns(second, bits.Len(uint(definition)), n)
		}
		var data []byte
		if err == nil {
			data, err = p.plain(w.b, d.IsCompressed == nil || *d.IsCompressed)
		}
		if err == nil {
			err = checkValues(d.Encoding, data, n)
		}
		return n, err
	}
	return 0, nil // the library refuses it, or passes over it
}

// plain decompresses what the library will decompress, if it is no more than the
// header says.
func (p *page) plain(data []byte, compressed bool) ([]byte, error) {
	var r io.Reader
	var err error
	switch {
	case !compressed || len(data) == 0:
		return data, nil
	case p.codec == format.Snappy:
		n, _ := binary.Uvarint(data)
		if n > uint64(p.header.UncompressedPageSize) {
			return nil, fmt.Errorf("found a page of %d bytes, expected %d", n, p.header.UncompressedPageSize)
		}
		return parquet.Snappy.Decode(nil, data)
	case p.codec == format.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(data))
	case p.codec == format.Brotli:
		r = brotli.NewReader(bytes.NewReader(data))
	case p.codec == format.Zstd:
		var z *zstd.Decoder
		if z, err = zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow)); err == nil {
			defer z.Close()
			r = z
		}
	default:
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(p.header.UncompressedPageSize)+1))
	if err == nil && len(out) > int(p.header.UncompressedPageSize) {
		err = fmt.Errorf("found a page of more than the %d bytes that it claims", p.header.UncompressedPageSize)
	}
	return out, err
}

// levels passes over the levels of a page of the first version: their length in four
// bytes, and runs.
func levels(data []byte, highest int, values int64) ([]byte, error) {
	w := walk{b: data}
	length := w.take(4)
	if w.err != nil {
		return nil, w.err
	}
	runs := w.take(uint64(binary.LittleEndian.Uint32(length)))
	if w.err != nil {
		return nil, w.err
	}
	return w.b, checkRuns(runs, bits.Len(uint(highest)), values)
}

// checkValues holds the number of values that an encoding claims against the page's.
func checkValues(e format.Encoding, data []byte, values int64) error {
	switch {
	case values < 0:
		return fmt.Errorf("found a page of %d values", values)
	case len(data) == 0:
		return nil
	}
	switch e {
	case format.PlainDictionary, format.RLEDictionary:
		return checkRuns(data[1:], int(data[0]), values)
	case format.RLE: // of booleans
		_, err := levels(data, 1, values)
		return err
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		_, err := deltas(data, values)
		return err
	case format.DeltaByteArray:
		return checkPrefixes(data, values)
	}
	return nil // each value has its bytes
}

// checkRuns walks the hybrid of runs and bit-packed groups of eight. The last group
// may be longer than what is left to fill.
func checkRuns(data []byte, width int, values int64) error {
	w := walk{b: data}
	for n := int64(0); len(w.b) > 0; {
		head := w.varint()
		count, size := head>>1, uint64(width+7)/8
		if head&1 == 1 {
			count, size = count*8, count*uint64(width)
		}
		if count > uint64(values)+7 || n > values {
			return fmt.Errorf("found runs of more than the %d values of the page", values)
		}
		n += int64(count)
		if w.err != nil {
			return w.err
		}
		w.take(min(size, uint64(len(w.b))))
	}
	return nil
}

// checkPrefixes bounds what DELTA_BYTE_ARRAY makes: each text begins with so many
// bytes of the one before it.
func checkPrefixes(data []byte, values int64) error {
	rest, err := deltas(data, values)
	if err == nil {
		_, err = deltas(rest, values)
	}
	if err != nil {
		return err
	}
	prefixes, err := parquet.DeltaBinaryPacked.DecodeInt32(nil, data)
	if err != nil {
		return err
	}
	limit := max(pageBytes, pageRatio*int64(len(data)))
	for _, n := range prefixes {
		if limit -= int64(n); n < 0 || limit < 0 {
			return fmt.Errorf("found texts that repeat more than %d bytes of each other", max(pageBytes, pageRatio*int64(len(data))))
		}
	}
	return nil
}

// deltas passes over a sequence of DELTA_BINARY_PACKED and returns what follows it.
func deltas(data []byte, values int64) ([]byte, error) {
	w := walk{b: data}
	block, minis, total := w.varint(), w.varint(), w.varint()
	w.varint() // the first value
	switch {
	case w.err != nil:
		return nil, w.err
	case total > uint64(values):
		return nil, fmt.Errorf("found %d deltas, expected the %d values of the page", total, values)
	case minis == 0 || block > 1<<16 || minis > block:
		return nil, fmt.Errorf("found blocks of %d deltas in %d parts", block, minis)
	}
	for left := int64(total) - 1; left > 0 && w.err == nil; {
		w.varint() // the least
		widths := w.take(minis)
		for _, width := range widths {
			if left <= 0 {
				break
			}
			w.take(min(block/minis*uint64(width)/8, uint64(len(w.b))))
			left -= int64(block / minis)
		}
	}
	return w.b, w.err
}
