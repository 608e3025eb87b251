package neon

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// sample are operands of an instruction that set different bits in every field.
func sample(text string) (operands []int) {
	values := map[string]int{"d": 21, "n": 10, "m": 19, "lane": 1, "byte": 12, "right32": 8, "left32": 23, "left64": 52}
	for _, p := range strings.Split(text, "{")[1:] {
		field, _, _ := strings.Cut(p, "}")
		operands = append(operands, values[field])
	}
	return operands
}

func samples() (lines []string) {
	for op, ins := range instructions {
		word, text := Encode(op, sample(ins.text)...)
		lines = append(lines, fmt.Sprintf("%08x %s", word, text))
	}
	for lane := 0; lane < 4; lane++ {
		word, text := Encode("fmla.s", 31, 0, 16, lane)
		lines = append(lines, fmt.Sprintf("%08x %s", word, text))
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i][9:] < lines[j][9:] })
	return lines
}

// testdata/words.txt holds the words that GNU as 2.40 made of these texts.
func TestWordsAreThoseOfGNU(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "words.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(samples(), "\n") + "\n"; got != string(want) {
		t.Errorf("words:\n%s\nGNU as:\n%s", got, want)
	}
}

// Every word in the generated files, and of the samples, is what GNU as makes of
// its comment, where there is one on this machine.
func TestAssembledWords(t *testing.T) {
	const as = "aarch64-linux-gnu-as"
	if _, err := exec.LookPath(as); err != nil {
		t.Skip(err)
	}
	var words, texts []string
	for _, line := range samples() {
		words, texts = append(words, line[:8]), append(texts, line[9:])
	}
	files, _ := filepath.Glob(filepath.Join("..", "..", "*_arm64.s"))
	if len(files) == 0 {
		t.Fatal("no generated file found")
	}
	raw := regexp.MustCompile(`WORD \$0x([0-9a-f]{8})(?: // (.*))?`)
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range raw.FindAllStringSubmatch(string(source), -1) {
			words, texts = append(words, m[1]), append(texts, m[2])
		}
	}
	object := filepath.Join(t.TempDir(), "o")
	cmd := exec.Command(as, "-march=armv8.6-a", "-o", object, "-")
	cmd.Stdin = strings.NewReader(strings.Join(texts, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	flat, err := exec.Command("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", object, object+".bin").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, flat)
	}
	code, err := os.ReadFile(object + ".bin")
	if err != nil || len(code) != 4*len(words) {
		t.Fatalf("%v: %d bytes for %d words", err, len(code), len(words))
	}
	for i, w := range words {
		want, _ := strconv.ParseUint(w, 16, 32)
		if got := binary.LittleEndian.Uint32(code[4*i:]); got != uint32(want) {
			t.Errorf("%s is %08x, GNU as makes %08x", texts[i], want, got)
		}
	}
	t.Logf("%d words in %d files", len(words), len(files))
}
