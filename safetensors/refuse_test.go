package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pactune/internal/fault"
)

// file is a file of a header and zeros.
func file(header string, body int) []byte {
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(data, header...), make([]byte, body)...)
}

func check(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	if fault.KindOf(err) != fault.Model {
		t.Errorf("%s: got the error %v of kind %d, want kind Model", name, err, fault.KindOf(err))
		return
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: the message %q does not say %q", name, err, part)
		}
	}
}

const one = `{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`

func tensor(dtype, shape string, begin, end int) string {
	return fmt.Sprintf(`{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, dtype, shape, begin, end)
}

func TestRefusedHeaders(t *testing.T) {
	for _, c := range []struct {
		name, header string
		body         int
		want         []string
	}{
		{"no JSON", "hello", 0, []string{"byte 8", `'h'`, `'{'`}},
		{"empty header", "", 0, []string{"byte 8", "the end"}},
		{"list", "[]", 0, []string{"byte 8", `'['`}},
		{"cut JSON", `{"a":` + one, 4, []string{"the end", `','`}},
		{"behind the object", `{"a":` + one + "}\x00", 4, []string{"behind the value", "byte 62"}},
		{"comma at the end", `{"a":` + one + `,}`, 4, []string{`'}'`, `'"'`}},
		{"invalid UTF-8", "{\"\xff\":" + one + "}", 4, []string{"byte 10", "0xff", "UTF-8"}},
		{"surrogate in UTF-8", "{\"\xed\xa0\x80\":" + one + "}", 4, []string{"byte 10", "UTF-8"}},
		{"lone surrogate", `{"\ud800":` + one + `}`, 4, []string{"byte 10", "no character"}},
		{"low surrogate", `{"\udc00":` + one + `}`, 4, []string{"byte 10", "no character"}},
		{"two high surrogates", `{"\ud800\ud800":` + one + `}`, 4, []string{"no character"}},
		{"bad digits", `{"\u00+1":` + one + `}`, 4, []string{"no character"}},
		{"cut escape", `{"\u00`, 0, []string{"no character"}},
		{"unknown escape", `{"\x":` + one + `}`, 4, []string{"byte 10", "escape"}},
		{"NUL in a name", "{\"a\x00\":" + one + "}", 4, []string{"byte 11", "control character 0x0"}},
		{"escaped NUL in a name", `{"a\u0000":` + one + `}`, 4, []string{"byte 9", "NUL"}},
		{"control behind an escape", "{\"\\n\x01\":" + one + "}", 4, []string{"control character 0x1"}},
		{"name without end", `{"a`, 0, []string{"byte 9", "without end"}},
		{"escaped name without end", `{"a\n`, 0, []string{"byte 9", "without end"}},
		{"tensor twice", `{"a":` + one + `,"a":` + one + `}`, 4, []string{"byte 62", `"a" twice`}},
		{"tensor twice, once escaped", `{"a":` + one + `,"\u0061":` + one + `}`, 4, []string{`"a" twice`}},
		{"key twice", `{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}`, 4, []string{`"a"`, `"shape" twice`}},
		{"other case", `{"a":{"dtype":"F32","Shape":[1],"data_offsets":[0,4]}}`, 4, []string{`"Shape"`, `expected "shape"`}},
		{"both cases", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"SHAPE":[2]}}`, 4, []string{`"SHAPE"`}},
		{"no dtype", `{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4, []string{`"a"`, "dtype, shape and data_offsets"}},
		{"no shape", `{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4, []string{"dtype, shape and data_offsets"}},
		{"no offsets", `{"a":{"dtype":"F32","shape":[1]}}`, 4, []string{"dtype, shape and data_offsets"}},
		{"entry is a list", `{"a":["F32",[1],[0,4]]}`, 4, []string{"byte 13", `'['`}},
		{"unknown dtype", `{"a":` + tensor("F31", "[1]", 0, 4) + `}`, 4, []string{"byte 22", `"a"`, `"F31"`}},
		{"small dtype", `{"a":` + tensor("f32", "[1]", 0, 4) + `}`, 4, []string{`"f32"`}},
		{"four bits", `{"a":` + tensor("F4", "[8]", 0, 4) + `}`, 4, []string{`"F4"`, "smaller than a byte"}},
		{"negative size", `{"a":` + tensor("F32", "[-1]", 0, 4) + `}`, 4, []string{"-1", "0 to 2^53"}},
		{"minus zero", `{"a":` + tensor("F32", "[-0]", 0, 0) + `}`, 0, []string{"-0"}},
		{"exponent", `{"a":` + tensor("F32", "[1e1]", 0, 40) + `}`, 40, []string{"1e1"}},
		{"fraction", `{"a":` + tensor("F32", "[1.0]", 0, 4) + `}`, 4, []string{"1.0"}},
		{"leading zero", `{"a":` + tensor("F32", "[01]", 0, 4) + `}`, 4, []string{`'1'`}},
		{"size is text", `{"a":` + tensor("F32", `["1"]`, 0, 4) + `}`, 4, []string{"expected a number"}},
		{"2^53+1", `{"a":` + tensor("F32", "[9007199254740993,0]", 0, 0) + `}`, 0, []string{"9007199254740993", "2^53"}},
		{"2^64", `{"a":` + tensor("F32", "[18446744073709551616]", 0, 4) + `}`, 4, []string{"18446744073709551616"}},
		{"product overflows", `{"a":` + tensor("F32", "[4294967296,4294967296]", 0, 0) + `}`, 0, []string{`"a"`, "can be addressed"}},
		{"bytes overflow", `{"a":` + tensor("F64", "[2147483648,1073741824]", 0, 0) + `}`, 0, []string{"can be addressed"}},
		{"one offset", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, 4, []string{"1 numbers, expected 2"}},
		{"three offsets", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, 4, []string{"3 numbers, expected 2"}},
		{"too few bytes", `{"a":` + tensor("F32", "[2]", 0, 4) + `}`, 4, []string{`"a"`, "0 to 4", "the 8 bytes of F32 [2]"}},
		{"end before begin", `{"a":` + tensor("F32", "[0]", 4, 0) + `}`, 4, []string{`"a"`, "4 to 0"}},
		{"hole at the front", `{"a":` + tensor("F32", "[1]", 4, 8) + `}`, 8, []string{`"a"`, "4 to 8", "a beginning at 0"}},
		{"hole", `{"a":` + one + `,"b":` + tensor("F32", "[1]", 8, 12) + `}`, 12, []string{`"b"`, "a beginning at 4"}},
		{"overlap", `{"a":` + tensor("F32", "[2]", 0, 8) + `,"b":` + tensor("F32", "[1]", 4, 8) + `}`, 8, []string{`"b"`, "4 to 8", "overlaps"}},
		{"empty one inside", `{"a":` + one + `,"b":` + tensor("F32", "[0]", 2, 2) + `}`, 4, []string{`"b"`, "overlaps"}},
		{"cut data", `{"a":` + one + `}`, 3, []string{`"a"`, "0 to 4", "within the 3 bytes", "cut short"}},
		{"bytes behind", `{"a":` + one + `}`, 5, []string{"byte 66", "1 bytes behind the last tensor"}},
		{"bytes, no tensor", `{}`, 1, []string{"byte 10", "1 bytes"}},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{},"a":` + one + `}`, 4, []string{`"__metadata__" twice`}},
		{"metadata key twice", `{"__metadata__":{"x":"1","x":"2"},"a":` + one + `}`, 4, []string{`"x"`, "twice"}},
		{"metadata is a number", `{"__metadata__":{"x":1},"a":` + one + `}`, 4, []string{`'1'`, `'"'`}},
		{"metadata is a text", `{"__metadata__":"x","a":` + one + `}`, 4, []string{`'{'`}},
		{"unknown word", `{"a":{"x":nil}}`, 0, []string{`'n'`, "expected a value"}},
		{"bad number", `{"a":{"x":1.}}`, 0, []string{"expected a number"}},
		{"bad exponent", `{"a":{"x":1e}}`, 0, []string{"expected a number"}},
		{"deep lists", `{"a":{"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}}`, 0, []string{"byte 147", "deeper than 128"}},
		{"deep objects", `{"a":{"x":` + strings.Repeat(`{"x":`, 10000) + `}}`, 0, []string{"deeper than 128"}},
	} {
		_, err := Parse(file(c.header, c.body), "m.safetensors")
		check(t, c.name, err, append(c.want, "m.safetensors: byte ")...)
	}
}

func TestAcceptedHeaders(t *testing.T) {
	for _, c := range []struct {
		name, header string
		body         int
		names        string
	}{
		{"nothing", `{}`, 0, ""},
		{"one", `{"a":` + one + `}`, 4, "a"},
		{"white space", " \t\r\n{ \"a\" : " + one + " } \n ", 4, "a"},
		{"order of the bytes", `{"b":` + tensor("U8", "[2]", 4, 6) + `,"a":` + one + `}`, 6, "a b"},
		{"empty ones", `{"z":` + tensor("F32", "[0]", 4, 4) + `,"a":` + one + `,"y":` + tensor("F32", "[2,0]", 4, 4) + `}`, 4, "a z y"},
		{"scalar", `{"a":` + tensor("F64", "[]", 0, 8) + `}`, 8, "a"},
		{"other members", `{"a":{"dtype":"F32","x":[{"y":[1,-2.5e+3,"\"",true,false,null,{}]}],"shape":[1],"data_offsets":[0,4]}}`, 4, "a"},
		{"metadata null", `{"__metadata__":null,"a":` + one + `}`, 4, "a"},
		{"escapes", `{"\u00e9\ud83e\udd16\n\/":` + one + `}`, 4, "é🤖\n/"},
		{"empty name", `{"":` + one + `}`, 4, ""},
	} {
		f, err := Parse(file(c.header, c.body), "m")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := strings.Join(f.Names(), " "); got != c.names {
			t.Errorf("%s: names %q, want %q", c.name, got, c.names)
		}
	}
}

// A header's length is refused before anything is made of it.
func TestHeaderLengths(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		n    uint64
		want []string
	}{
		{0, []string{"byte 8"}},
		{7, []string{"7 bytes", "at most the 2"}},
		{maxHeader, []string{"100000000 bytes", "at most the 2"}},
		{maxHeader + 1, []string{"100000001 bytes", "at most 100000000"}},
		{1 << 63, []string{"9223372036854775808 bytes"}},
		{1<<64 - 1, []string{"18446744073709551615 bytes"}},
	} {
		path := filepath.Join(dir, "m.safetensors")
		if err := os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, c.n), "{}"...), 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Open(path)
		runtime.ReadMemStats(&after)
		check(t, fmt.Sprint(c.n), err, append(c.want, path)...)
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<20 {
			t.Errorf("header of %d bytes: %d bytes allocated, want less than 1 MiB", c.n, made)
		}
	}
	for size := 0; size < 8; size++ {
		_, err := Parse(make([]byte, size), "m")
		check(t, "short file", err, fmt.Sprintf("found %d bytes", size), "at least the 8")
	}
}

// 100,000 names for the same bytes: a small file that would load as a large model.
func TestManyTensorsOverOneRange(t *testing.T) {
	var b strings.Builder
	for i := 0; i < 100_000; i++ {
		fmt.Fprintf(&b, `%c"t%d":%s`, "{,"[min(i, 1)], i, tensor("F32", "[1024]", 0, 4096))
	}
	_, err := Parse(file(b.String()+"}", 4096), "m")
	check(t, "one range", err, `"t1"`, "overlaps")
}

func TestMillionEmptyTensors(t *testing.T) {
	if testing.Short() {
		t.Skip("a header of 60 MB")
	}
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	for i := 0; i < 1_000_000; i++ {
		fmt.Fprintf(&b, `%c"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, "{,"[min(i, 1)], i)
	}
	b.WriteByte('}')
	data := b.Bytes()
	binary.LittleEndian.PutUint64(data, uint64(len(data)-8))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f, err := Parse(data, "m")
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err != nil || len(f.Names()) != 1_000_000 {
		t.Fatal(err)
	}
	t.Logf("%v", took)
	if made := after.TotalAlloc - before.TotalAlloc; made > 300<<20 {
		t.Errorf("%d MiB allocated, want less than 300", made>>20)
	}
}
