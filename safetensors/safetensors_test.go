package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
)

// reference.safetensors is a file of the Python package, recorded by
// testdata/generate/safetensors_fixture.py.
func TestReferenceFile(t *testing.T) {
	f, err := Open("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Metadata(); !reflect.DeepEqual(got, map[string]string{"format": "pt"}) {
		t.Errorf("metadata %v", got)
	}
	values := []float64{0, math.Copysign(0, -1), 1, -2.5, 1.0 / 3, 65504, 6e-8, math.Inf(1)}
	rounded := map[string]func(float64) float64{
		"double": func(v float64) float64 { return v },
		"single": func(v float64) float64 { return float64(float32(v)) },
		"half": func(v float64) float64 { // 11 bits, or multiples of 2^-24
			if v == 1.0/3 {
				return 1365.0 / 4096
			} else if v == 6e-8 {
				return 0x1p-24
			}
			return v
		},
		"brain": func(v float64) float64 { // the fixture cuts the lower bits off
			return float64(math.Float32frombits(math.Float32bits(float32(v)) &^ 0xffff))
		},
	}
	for name, round := range rounded {
		x, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no tensor %q", name)
		}
		wide, narrow := make([]float64, 8), make([]float32, 8)
		if err := errors.Join(x.Float64s(wide), x.Float32s(narrow)); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			want := round(v)
			if math.Float64bits(wide[i]) != math.Float64bits(want) || math.Float32bits(narrow[i]) != math.Float32bits(float32(want)) {
				t.Errorf("%s[%d]: got %v and %v, want %v", name, i, wide[i], narrow[i], want)
			}
		}
	}
	for name, shape := range map[string][]int{"double": {2, 4}, "scalar": {}, "empty": {3, 0}, "position_ids": {1, 3}} {
		if x, _ := f.Tensor(name); !reflect.DeepEqual(x.Shape, shape) || x.Elements()*x.DType.Size() != len(x.Data) {
			t.Errorf("%s: shape %v, %d bytes, want %v", name, x.Shape, len(x.Data), shape)
		}
	}
	x, _ := f.Tensor("position_ids")
	check(t, "integers", x.Float32s(make([]float32, 3)), "reference.safetensors", `"position_ids"`, "I64", "F32, F64, F16 or BF16")
	x, _ = f.Tensor("single")
	check(t, "other size", x.Float64s(make([]float64, 7)), `"single"`, "found 8 elements", "expected 7")
}

func TestWriteEqualsReferenceFile(t *testing.T) {
	want, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(want, "m")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Write(&got, all(f), f.Metadata()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%q\nwant\n%q", got.Bytes(), want)
	}
}

// all is the tensors in an order other than the file's.
func all(f *File) []Tensor {
	var out []Tensor
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		out = append([]Tensor{t}, out...)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for round := 0; round < 200; round++ {
		var tensors []Tensor
		for i := r.Intn(6); i >= 0; i-- {
			d := dtypes[r.Intn(len(dtypes))]
			shape, n := []int{}, d.size
			for k := r.Intn(4); k > 0; k-- {
				shape = append(shape, r.Intn(4))
				n *= shape[len(shape)-1]
			}
			data := make([]byte, n)
			r.Read(data)
			name := fmt.Sprintf("%d %c", i, []rune{'é', '"', '\\', '\n', 0x1f, 0x7f, '漢', '🤖', 0x2028}[r.Intn(9)])
			tensors = append(tensors, Tensor{Name: name, DType: d.name, Shape: shape, Data: data})
		}
		metadata := map[string]string{"a\x01": "\b\f\r\"", "b": strings.Repeat("x", r.Intn(9))}
		var b bytes.Buffer
		if err := Write(&b, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		if n := binary.LittleEndian.Uint64(b.Bytes()); n%8 != 0 || b.Bytes()[8] != '{' {
			t.Fatalf("a header of %d bytes that begins with %q", n, b.Bytes()[8])
		}
		f, err := Parse(b.Bytes(), "m")
		if err != nil {
			t.Fatalf("%v in\n%q", err, b.Bytes())
		}
		if !reflect.DeepEqual(f.Metadata(), metadata) || len(f.Names()) != len(tensors) {
			t.Fatalf("metadata %q, %d tensors", f.Metadata(), len(f.Names()))
		}
		for _, want := range tensors {
			got, ok := f.Tensor(want.Name)
			if !ok || got.DType != want.DType || !reflect.DeepEqual(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
}

func TestRefusedTensors(t *testing.T) {
	good := FromFloat32s("a", []int{1}, []float32{1})
	for name, tensors := range map[string][]Tensor{
		"written twice":     {good, good},
		"unknown dtype":     {{Name: "a", DType: "F31", Shape: []int{1}, Data: make([]byte, 4)}},
		"expected the 8":    {{Name: "a", DType: F32, Shape: []int{2}, Data: make([]byte, 4)}},
		"can be addressed":  {{Name: "a", DType: F32, Shape: []int{-1}}},
		"no name":           {{Name: metadataKey, DType: F32, Shape: []int{1}, Data: make([]byte, 4)}},
		"sizes of at most":  {{Name: "a", DType: F32, Shape: []int{1 << 60, 0}}},
		`"\x00" is no name`: {{Name: "\x00", DType: F32, Shape: []int{0}}},
		`"\xff" is no name`: {{Name: "\xff", DType: F32, Shape: []int{1}, Data: make([]byte, 4)}},
	} {
		var b bytes.Buffer
		err := Write(&b, tensors, nil)
		if err == nil || !strings.Contains(err.Error(), name) || fault.KindOf(err) != fault.Internal || b.Len() > 0 {
			t.Errorf("%s: got %v, and %d bytes", name, err, b.Len())
		}
	}
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "shape [2] does not have 1 elements") {
			t.Errorf("got %v", r)
		}
	}()
	FromFloat32s("a", []int{2}, []float32{1})
}

// A large slice is written from where it stands.
func TestWriteCopiesNothing(t *testing.T) {
	tensors := []Tensor{FromFloat32s("a", []int{1 << 20}, make([]float32, 1<<20))}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := Write(discard{}, tensors, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; made > 1<<16 {
		t.Errorf("%d bytes allocated to write 4 MiB", made)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestHalfPrecision(t *testing.T) {
	data, err := os.ReadFile("testdata/half.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Float32 string `json:"float32_sha256"`
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for h := 0; h < 1<<16; h++ {
		v := fromF16(uint16(h))
		if isNaN := h&0x7fff > 0x7c00; isNaN != (v != v) {
			t.Fatalf("%#04x: got %v", h, v)
		} else if !isNaN {
			all = binary.LittleEndian.AppendUint32(all, math.Float32bits(v))
		}
	}
	if sum := sha256.Sum256(all); hex.EncodeToString(sum[:]) != want.Float32 {
		t.Error("the 65,536 values are not those of NumPy")
	}
}

// The nearest of the two neighbours, found in float64; of two equally near the even.
func TestBF16RoundsToNearest(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for i := 0; i < 200_000; i++ {
		v := math.Float32frombits(r.Uint32() &^ uint32(i%2*0x7fff)) // every other: ties
		got := toBF16(v)
		if v != v {
			if back := fromBF16(got); back == back {
				t.Fatalf("%v became %v", v, back)
			}
			continue
		}
		low := uint16(math.Float32bits(v) >> 16)
		below, above := widen(low), widen(low+1)
		want := low
		if d, e := math.Abs(float64(v)-below), math.Abs(above-float64(v)); e < d || e == d && low%2 == 1 {
			want = low + 1
		}
		if got != want {
			t.Fatalf("%v: got %#04x, want %#04x of %v and %v", v, got, want, below, above)
		}
	}
	x := BF16FromFloat32s("n", []int{3}, []float32{1, -3.140625, 1 + 0x1p-8})
	back := make([]float32, 3)
	if err := x.Float32s(back); err != nil || !reflect.DeepEqual(back, []float32{1, -3.140625, 1}) {
		t.Errorf("got %v, %v", back, err)
	}
}

// widen is the value of a bfloat16, where infinity is the next number.
func widen(b uint16) float64 {
	if b&0x7fff == 0x7f80 {
		return math.Copysign(0x1p128, float64(int16(b)))
	}
	return float64(fromBF16(b))
}

func TestByteOrders(t *testing.T) {
	if got := reversed([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 4); !bytes.Equal(got, []byte{4, 3, 2, 1, 8, 7, 6, 5}) {
		t.Errorf("got %v", got)
	}
	// The loops of the other byte order, on this machine's.
	defer func(was bool) { littleEndian = was }(littleEndian)
	x := FromFloat64s("a", []int{2}, []float64{1.5, -math.Pi})
	y := FromFloat32s("b", []int{2}, []float32{1.5, -math.Pi})
	littleEndian = false
	for _, x := range []Tensor{x, y} {
		wide, narrow := make([]float64, 2), make([]float32, 2)
		if err := errors.Join(x.Float64s(wide), x.Float32s(narrow)); err != nil {
			t.Fatal(err)
		}
		if narrow[1] != float32(-math.Pi) || wide[0] != 1.5 || math.Abs(wide[1]+math.Pi) > 1e-7 {
			t.Errorf("%s: got %v and %v", x.Name, wide, narrow)
		}
	}
}

func save(t *testing.T, path string, tensors ...Tensor) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, map[string]string{"file": filepath.Base(path)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	check(t, "folder", err, dir)
	_, err = Open(filepath.Join(dir, "none"))
	check(t, "missing", err, "none")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not os.ErrNotExist", err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Open(empty)
	check(t, "empty", err, empty, "found 0 bytes")
	_, err = OpenFS(fstest.MapFS{"m": {Data: []byte("12345678")}}, "m")
	check(t, "fs", err, "m: byte 0")
	if _, err := OpenFS(os.DirFS("testdata"), "reference.safetensors"); err != nil {
		t.Error(err)
	}
}

// A mapped file that somebody cuts short ends in an error, not in a signal.
func TestFileCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	const n = 1 << 18
	save(t, path, FromFloat32s("w", []int{n}, make([]float32, n)), BF16FromFloat32s("b", []int{n}, make([]float32, n)))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("files are read, not mapped")
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		check(t, name, x.Float32s(make([]float32, n)), path, "cut short or closed")
		check(t, name, x.Float64s(make([]float64, n)), path, "cut short or closed")
		check(t, name, Write(new(bytes.Buffer), []Tensor{x}, nil), path, "cut short or closed")
		y := x
		y.Data = make([]byte, len(x.Data))
		_, err := x.Equal(y)
		check(t, name, err, path, "cut short or closed")
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	r, whole := rand.New(rand.NewSource(2)), wholeFiles(f)
	for i := range 300 {
		f.Add(mutate(r, whole[i%len(whole)]))
	}
	f.Add(file(`{"__metadata__":null,"\u00e9":{"x":[{}],"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data, "m")
		if err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		// What is accepted can be written, and means the same.
		var b bytes.Buffer
		if _, ok := m.Tensor(metadataKey); ok {
			t.Fatal("the metadata became a tensor")
		}
		if err := Write(&b, all(m), m.Metadata()); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b.Bytes(), "again")
		if err != nil || len(again.Names()) != len(m.Names()) {
			t.Fatalf("%v: %d tensors, want %d", err, len(again.Names()), len(m.Names()))
		}
		for _, x := range all(m) {
			y, _ := again.Tensor(x.Name)
			if !bytes.Equal(x.Data, y.Data) || !reflect.DeepEqual(x.Shape, y.Shape) {
				t.Fatalf("%q: %v became %v", x.Name, x.Shape, y.Shape)
			}
		}
	})
}

// A tensor of a mapped file is read block by block, whose pages are given back:
// reading it again gives the same.
func TestPagesComeBack(t *testing.T) {
	data := make([]float32, 2*blockElements+12345)
	for i := range data {
		data[i] = float32(i % 251)
	}
	path := filepath.Join(t.TempDir(), "big.safetensors")
	save(t, path, FromFloat32s("a", []int{3}, data[:3]), FromFloat32s("b", []int{len(data)}, data), BF16FromFloat32s("c", []int{len(data)}, data))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]float32, len(data))
	for _, name := range []string{"b", "c", "c", "b"} {
		clear(got)
		x, _ := f.Tensor(name)
		if err := x.Float32s(got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, data) {
			t.Errorf("%s: the values changed", name)
		}
	}
}
