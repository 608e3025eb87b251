package glue

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

// KShot draws the few-shot sets of LM-BFF (Gao et al., ACL 2021) from the text of
// a task's training file, byte for byte: its lines are shuffled as NumPy's
// RandomState(seed).shuffle does; then the classes come in the order of their
// first appearance, and of each the first k lines are for training and the next
// dev for development, where there are so many: notes name the classes that have
// fewer. The header is kept. STS-B has two classes, below 2.5 and from there on.
func KShot(t *Task, path string, text []byte, k, dev int, seed uint32) (trainSet, devSet []byte, notes []string, err error) {
	lines := splitLines(text)
	var header []byte
	if t.Bare == nil && len(lines) > 0 {
		header, lines = lines[0], lines[1:]
	}
	m := newMT19937(seed)
	for i := len(lines) - 1; i > 0; i-- {
		j := m.upTo(uint32(i))
		lines[i], lines[j] = lines[j], lines[i]
	}
	var classes []string
	of := map[string][][]byte{}
	for _, line := range lines {
		class, err := t.class(line)
		if err != nil {
			return nil, nil, nil, fault.Errorf(fault.Data, "%s: %w in the line %.60q", path, err, line)
		}
		if of[class] == nil {
			classes = append(classes, class)
		}
		of[class] = append(of[class], line)
	}
	if len(classes) < 2 {
		return nil, nil, nil, fault.Errorf(fault.Data, "%s: found %d, expected two or more classes", path, len(classes))
	}
	trainSet, devSet = append(trainSet, header...), append(devSet, header...)
	for _, class := range classes {
		rows := of[class]
		if len(rows) < k {
			return nil, nil, nil, fault.Errorf(fault.Data, "%s: the class %q has %s, expected at least %d", path, class, rowCount(len(rows)), k)
		}
		if left := len(rows) - k; left < dev {
			notes = append(notes, fmt.Sprintf("%s: the class %q has %s: %d for training, and %d instead of %d for development", path, class, rowCount(len(rows)), k, left, dev))
		}
		for i, line := range rows[:min(len(rows), k+dev)] {
			if i < k {
				trainSet = append(trainSet, line...)
			} else {
				devSet = append(devSet, line...)
			}
		}
	}
	sort.Strings(notes) // the same for every seed
	return trainSet, devSet, notes, nil
}

// splitLines cuts text into lines with their line feeds, as Python reads them:
// CR LF becomes LF.
func splitLines(text []byte) [][]byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	lines := bytes.SplitAfter(text, []byte("\n"))
	if n := len(lines); len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	return lines
}

// class is the column by which LM-BFF balances its sets: the last one but for
// CoLA and MRPC.
func (t *Task) class(line []byte) (string, error) {
	columns := strings.Split(strings.TrimSpace(string(line)), "\t")
	at := len(columns) - 1
	switch t.Name {
	case "cola":
		at = 1
	case "mrpc":
		at = 0
	}
	if len(columns) < 2 || at >= len(columns) {
		return "", fmt.Errorf("found %s, expected a label", columnCount(len(columns)))
	}
	if t.Labels != nil {
		return columns[at], nil
	}
	score, err := strconv.ParseFloat(columns[at], 64)
	if err != nil {
		return "", fmt.Errorf("found the score %q, expected a number", columns[at])
	}
	if score < 2.5 {
		return "0", nil
	}
	return "1", nil
}

// KShotFolder is where LM-BFF puts a set: RTE/16-13.
func KShotFolder(t *Task, k int, seed uint32) string {
	return filepath.Join(t.Folder, fmt.Sprintf("%d-%d", k, seed))
}

// mt19937 is the Mersenne Twister of Matsumoto and Nishimura (1998), which
// NumPy's legacy generator is. It is here for this sampler alone, whose sets
// others have published.
type mt19937 struct {
	state [624]uint32
	next  int
}

func newMT19937(seed uint32) *mt19937 {
	m := &mt19937{next: 624}
	m.state[0] = seed
	for i := 1; i < len(m.state); i++ {
		x := m.state[i-1]
		m.state[i] = 1812433253*(x^x>>30) + uint32(i)
	}
	return m
}

// uint32 returns the next word.
func (m *mt19937) uint32() uint32 {
	const n, half = 624, 397
	if m.next == n {
		for i := range m.state {
			y := m.state[i]&0x80000000 | m.state[(i+1)%n]&0x7fffffff
			m.state[i] = m.state[(i+half)%n] ^ y>>1 ^ -(y&1)&0x9908b0df
		}
		m.next = 0
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// upTo returns a number from 0 to most: words are cut to the bits of most, and
// those above it are drawn again.
func (m *mt19937) upTo(most uint32) uint32 {
	mask := most
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if x := m.uint32() & mask; x <= most {
			return x
		}
	}
}

// Texts returns the training file and the development files of the task as they
// stand in dataDir, or in its subfolder of the task's name, by their names; dir
// is the one of both.
func (t *Task) Texts(dataDir string) (dir string, texts map[string][]byte, err error) {
	if err = t.trainable(); err != nil {
		return "", nil, err
	}
	if dir, err = t.dir(nil, dataDir); err != nil {
		return "", nil, err
	}
	texts = map[string][]byte{}
	for _, f := range append(t.files(Train), t.files(Dev)...) {
		text, err := readFile(nil, filepath.Join(dir, f.Name))
		if err != nil {
			return "", nil, err
		}
		texts[f.Name] = []byte(text)
	}
	return dir, texts, nil
}

// RandomLines keeps n random rows of the text of a training file, in their order,
// and its header: the rows of --train_size n and --sample_seed seed, where all rows
// of the file are whole.
func RandomLines(t *Task, path string, text []byte, n int, seed uint64) ([]byte, error) {
	lines := splitLines(text)
	var out []byte
	if t.Bare == nil && len(lines) > 0 {
		out, lines = append(out, lines[0]...), lines[1:]
	}
	if n > len(lines) {
		return nil, fault.Errorf(fault.Usage, "--train_size %d: %s has %s; give a smaller number", n, path, rowCount(len(lines)))
	}
	for i, keep := range randomRows(len(lines), n, seed) {
		if keep {
			out = append(out, lines[i]...)
		}
	}
	return out, nil
}
