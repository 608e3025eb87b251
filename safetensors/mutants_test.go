package safetensors

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The reader against the Python package, on files of which there is no end:
//
//	go test ./safetensors -run Mutants -v -mutants 100000 -reference python3
var (
	mutants   = flag.Int("mutants", 10_000, "how many damaged files the reader and the format's rules judge")
	reference = flag.String("reference", "", "a Python with safetensors 0.4.5, which judges them too")
)

// The reader accepts the files that the rules of the format accept, and no
// others, and so does the Python package but for the rules that it lacks.
func TestMutants(t *testing.T) {
	seeds := wholeFiles(t)
	r := rand.New(rand.NewSource(1))
	files := make([][]byte, *mutants)
	accepted, beyond := 0, map[string]int{}
	for i := range files {
		files[i] = mutate(r, seeds[i%len(seeds)])
		_, err := Parse(files[i], "m")
		ok, rule := judge(files[i])
		if ok != (err == nil) {
			t.Fatalf("mutant %d: the reader says %v, the rules of the format %v: %q", i, err, ok, files[i])
		}
		if rule != "" {
			beyond[rule]++
		}
		if ok {
			accepted++
		}
	}
	t.Logf("%d of %d files accepted by the reader and by the rules; files that break rules beyond those of safetensors 0.4.5: %v", accepted, len(files), beyond)
	if accepted < len(files)/20 || accepted > len(files)*19/20 {
		t.Error("the files do not try the rules")
	}
	if *reference != "" {
		compare(t, files, ask(t, files))
	}
}

func wholeFiles(t testing.TB) [][]byte {
	recorded, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{
		recorded,
		file(`{"a":`+one+`}`, 4),
		file(`{"__metadata__":{"k":"v"},"a":`+tensor("F16", "[2,3]", 0, 12)+`,"b":`+tensor("U8", "[3]", 12, 15)+`,"c":`+tensor("I64", "[0,5]", 15, 15)+`}  `, 15),
	}
}

// mutate damages one to three places of a file, in the header more than behind.
func mutate(r *rand.Rand, file []byte) []byte {
	n := binary.LittleEndian.Uint64(file)
	header, body := string(file[8:8+n]), append([]byte(nil), file[8+n:]...)
	for range 1 + r.Intn(3) {
		switch at := r.Intn(len(header) + 1); r.Intn(10) {
		case 0: // one byte
			if at < len(header) {
				header = header[:at] + string([]byte{byte(r.Intn(256))}) + header[at+1:]
			}
		case 1: // a part is gone
			header = header[:at] + header[min(len(header), at+1+r.Intn(8)):]
		case 2: // a part is there twice
			end := min(len(header), at+r.Intn(60))
			header = header[:end] + header[at:end] + header[end:]
		case 3: // white space, or what is none
			header = header[:at] + string(" \t\n\r\x00\v"[r.Intn(6)]) + header[at:]
		case 4, 5: // a number
			header = replaceNumber(r, header)
		case 6, 7: // a word
			words := []string{`"F32"`, `"F16"`, `"BF16"`, `"I64"`, `"U8"`, `"BOOL"`, `"F4"`, `"C64"`, `"F8_E5M2"`, `"dtype"`, `"Dtype"`, `"shape"`, `"data_offsets"`, `"__metadata__"`, `"a"`, `"b"`, `null`, `[]`, `{}`, `"a\u0000"`}
			old := words[r.Intn(len(words))]
			if i := strings.Index(header, old); i >= 0 {
				header = header[:i] + words[r.Intn(len(words))] + header[i+len(old):]
			}
		case 8: // the body
			body = append(body, make([]byte, r.Intn(3))...)
			body = body[:len(body)-r.Intn(min(len(body)+1, 3))]
		case 9:
			header += strings.Repeat(" ", r.Intn(9))
		}
	}
	length := uint64(len(header))
	if r.Intn(20) == 0 {
		length += []uint64{1, ^uint64(0), 1 << 63, 100_000_001}[r.Intn(4)]
	}
	out := append(binary.LittleEndian.AppendUint64(nil, length), header...)
	return append(out, body...)
}

// replaceNumber puts another number for one of the header's.
func replaceNumber(r *rand.Rand, header string) string {
	digit := func(i int) bool { return i < len(header) && '0' <= header[i] && header[i] <= '9' }
	for i := r.Intn(len(header) + 1); i < len(header); i++ {
		if digit(i) {
			end := i
			for digit(end) {
				end++
			}
			numbers := []string{"0", "1", "2", "4", "12", "15", "-1", "-0", "01", "1.0", "1e1", "9007199254740993", "18446744073709551615", "18446744073709551616", `"4"`, "null", "[1]"}
			return header[:i] + numbers[r.Intn(len(numbers))] + header[end:]
		}
	}
	return header
}

// ask lets the Python package judge the files: a byte for each, 1 for accepted.
func ask(t *testing.T, files [][]byte) []byte {
	t.Helper()
	const program = `
import struct, sys, safetensors
assert safetensors.__version__ == "0.4.5", safetensors.__version__
read = sys.stdin.buffer.read
while len(head := read(8)) == 8:
    try:
        safetensors.deserialize(read(struct.unpack("<Q", head)[0]))
        sys.stdout.buffer.write(b"\1")
    except safetensors.SafetensorError:
        sys.stdout.buffer.write(b"\0")
`
	var in bytes.Buffer
	for _, f := range files {
		in.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(f))))
		in.Write(f)
	}
	c := exec.Command(*reference, "-c", program)
	c.Stdin, c.Stderr = &in, os.Stderr
	out, err := c.Output()
	if err != nil || len(out) != len(files) {
		t.Fatalf("%s: %d verdicts for %d files: %v", *reference, len(out), len(files), err)
	}
	return out
}

func compare(t *testing.T, files [][]byte, verdicts []byte) {
	differ := map[string]int{}
	for i, f := range files {
		ok, rule := judge(f)
		theirs := verdicts[i] == 1
		switch {
		case ok == theirs:
		case !ok && rule != "":
			differ[rule]++
		case ok && (bytes.Contains(f, []byte(`"C64"`)) || bytes.Contains(f, []byte(`"F8_E8M0"`))):
			differ["newer type"]++
		default:
			t.Errorf("file %d: accepted here: %v, by the Python package: %v: %q", i, ok, theirs, f)
		}
	}
	t.Logf("the Python package agrees but for %s", fmt.Sprint(differ))
}
