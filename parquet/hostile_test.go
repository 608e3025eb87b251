package parquet

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// lie is a file of one column, made by hand so that its numbers can be anything.
type lie struct {
	kind     format.Type
	optional bool
	codec    format.CompressionCodec
	rows     int64
	pages    []lyingPage
}

type lyingPage struct {
	header format.PageHeader // without its compressed size
	data   []byte
}

func (l lie) file(t *testing.T) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		b, err := thrift.Marshal(&protocol, v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	content := []byte(magic)
	for _, p := range l.pages {
		p.header.CompressedPageSize = int32(len(p.data))
		if p.header.UncompressedPageSize == 0 {
			p.header.UncompressedPageSize = int32(len(p.data))
		}
		content = append(append(content, marshal(&p.header)...), p.data...)
	}
	repetition := format.Required
	if l.optional {
		repetition = format.Optional
	}
	footer := marshal(&format.FileMetaData{
		Version: 1, NumRows: l.rows,
		Schema: []format.SchemaElement{{Name: "root", NumChildren: 1}, {Name: "c", Type: &l.kind, RepetitionType: &repetition}},
		RowGroups: []format.RowGroup{{NumRows: l.rows, Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{
			Type: l.kind, Encoding: []format.Encoding{}, PathInSchema: []string{"c"}, Codec: l.codec, NumValues: l.rows,
			DataPageOffset: 4, TotalCompressedSize: int64(len(content) - 4)}}}}},
	})
	content = binary.LittleEndian.AppendUint32(append(content, footer...), uint32(len(footer)))
	return append(content, magic...)
}

// footed is a file of a footer alone.
func footed(footer []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(append([]byte(magic), footer...), uint32(len(footer))), magic...)
}

func dataPage(values int32, e format.Encoding, data ...byte) lyingPage {
	return lyingPage{format.PageHeader{Type: format.DataPage, DataPageHeader: &format.DataPageHeader{NumValues: values, Encoding: e, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE}}, data}
}

func dictionary(entry []byte) lyingPage {
	return lyingPage{format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: &format.DictionaryPageHeader{NumValues: 1}},
		append(binary.LittleEndian.AppendUint32(nil, uint32(len(entry))), entry...)}
}

func (p lyingPage) claims(bytes int32) lyingPage {
	p.header.UncompressedPageSize = bytes
	return p
}

func uvarints(values ...uint64) (b []byte) {
	for _, v := range values {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// Files whose numbers lie are refused before the library makes room for them.
func TestHostileFilesAreRefused(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 64<<20)
	gzipped, err := parquet.Gzip.Encode(nil, zeros)
	if err != nil {
		t.Fatal(err)
	}
	run := uvarints(16<<20<<1, 0)
	prefixes, err := parquet.DeltaBinaryPacked.EncodeInt32(nil, repeat(int32(30_000), 4000))
	if err != nil {
		t.Fatal(err)
	}
	bytesOf := format.ByteArray
	optional := format.Optional
	nested, err := thrift.Marshal(&protocol, &format.FileMetaData{Version: 1, RowGroups: []format.RowGroup{},
		Schema: repeat(format.SchemaElement{Name: "g", NumChildren: 1, RepetitionType: &optional}, 100_000)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
		memory  uint64 // MiB
	}{
		"structs in structs":  {footed(bytes.Repeat([]byte{0xfc}, 20<<20)), "more than 32 deep", 128},
		"lists in lists":      {footed(append([]byte{0xc9}, bytes.Repeat([]byte{0x19}, 1<<20)...)), "more than 32 deep", 64},
		"list of 2^31":        {footed(append([]byte{0x29, 0xfc}, uvarints(1<<31-1)...)), "a list of 2147483647 items", 64},
		"list of empty items": {footed(append(append([]byte{0x29, 0xfc}, uvarints(1<<20)...), make([]byte, 1<<20)...)), "more than 131072 items", 64},
		"groups in groups":    {footed(nested), "groups of columns in one another, more than 32 deep", 64},
		"page of 2 GiB":       {lie{kind: format.Int32, codec: format.Snappy, rows: 1, pages: []lyingPage{dataPage(1, format.Plain, 4, 0, 0).claims(1<<31 - 1)}}.file(t), "a page of 2147483647 bytes made of 3", 64},
		"snappy of 4 GiB":     {lie{kind: format.Int32, codec: format.Snappy, rows: 1, pages: []lyingPage{dataPage(1, format.Plain, uvarints(1<<32-1)...).claims(4)}}.file(t), "a page of 4294967295 bytes, expected 4", 64},
		"zstd bomb":           {lie{kind: format.Int32, codec: format.Zstd, rows: 1, pages: []lyingPage{dataPage(1, format.Plain, z.EncodeAll(zeros, nil)...).claims(4)}}.file(t), "more than the 4 bytes that it claims", 64},
		"gzip bomb":           {lie{kind: format.Int32, codec: format.Gzip, rows: 1, pages: []lyingPage{dataPage(1, format.Plain, gzipped...).claims(4)}}.file(t), "more than the 4 bytes that it claims", 64},
		"levels without end":  {lie{kind: format.Int32, optional: true, rows: 1, pages: []lyingPage{dataPage(1, format.Plain, append([]byte{40, 1, 0, 0}, bytes.Repeat(run, 64)...)...)}}.file(t), "runs of more than the 1 values", 64},
		"indexes without end": {lie{kind: bytesOf, rows: 1, pages: []lyingPage{dictionary([]byte("a")), dataPage(1, format.RLEDictionary, append([]byte{1}, bytes.Repeat(run, 1000)...)...)}}.file(t), "runs of more than the 1 values", 64},
		"2^31 deltas":         {lie{kind: format.Int32, rows: 1, pages: []lyingPage{dataPage(1, format.DeltaBinaryPacked, uvarints(128, 4, 1<<31-1, 0)...)}}.file(t), "2147483647 deltas, expected the 1", 64},
		"2^31 lengths":        {lie{kind: bytesOf, rows: 1, pages: []lyingPage{dataPage(1, format.DeltaLengthByteArray, uvarints(128, 4, 1<<31-1, 0)...)}}.file(t), "2147483647 deltas", 64},
		"2^31 suffixes":       {lie{kind: bytesOf, rows: 1, pages: []lyingPage{dataPage(1, format.DeltaByteArray, uvarints(128, 4, 1, 0, 128, 4, 1<<31-1, 0)...)}}.file(t), "2147483647 deltas", 64},
		"prefixes":            {lie{kind: bytesOf, rows: 4000, pages: []lyingPage{dataPage(4000, format.DeltaByteArray, append(prefixes, prefixes...)...)}}.file(t), "repeat more than", 64},
		"one text, all rows":  {lie{kind: bytesOf, rows: 20_000, pages: []lyingPage{dictionary(make([]byte, 100<<10)), dataPage(20_000, format.RLEDictionary, append([]byte{1}, uvarints(20_000<<1, 0)...)...)}}.file(t), "more bytes of texts than", 256},
		"a page of -1 values": {lie{kind: format.Int32, rows: 1, pages: []lyingPage{dataPage(-1, format.Plain)}}.file(t), "a page of -1 values", 64},
		"2^31 values":         {lie{kind: format.Int32, rows: 1, pages: []lyingPage{dataPage(1<<31-1, format.Plain, 1)}}.file(t), "values in a file of", 64},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _, err := readAll(c.content)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
			t.Errorf("%s: %.500v; want %q", name, err, c.want)
		}
		if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > c.memory {
			t.Errorf("%s: %d MiB, want at most %d", name, got, c.memory)
		}
		if took := time.Since(start); took > 5*time.Second { // of a busy machine
			t.Errorf("%s: %v", name, took)
		}
	}
}

func repeat[T any](v T, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}
