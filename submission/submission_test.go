package submission

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// good is a table that the leaderboard takes, written here by its rules and
// not by the code under test.
func good(name string) string {
	kinds := map[string]struct {
		rows   int
		labels []string
	}{
		"CoLA.tsv": {1063, []string{"0", "1"}}, "SST-2.tsv": {1821, []string{"1", "0"}}, "MRPC.tsv": {1725, []string{"1", "0"}},
		"STS-B.tsv": {1379, []string{"0.000", "5.000", "2.718", "3"}}, "QQP.tsv": {390965, []string{"0", "1"}},
		"MNLI-m.tsv": {9796, []string{"neutral", "entailment", "contradiction"}}, "MNLI-mm.tsv": {9847, []string{"contradiction"}},
		"QNLI.tsv": {5463, []string{"entailment", "not_entailment"}}, "RTE.tsv": {3000, []string{"not_entailment", "entailment"}},
		"WNLI.tsv": {146, []string{"0", "1"}}, "AX.tsv": {1104, []string{"neutral", "entailment", "contradiction"}},
	}
	k := kinds[name]
	var b strings.Builder
	b.WriteString("index\tprediction\n")
	for i := range k.rows {
		fmt.Fprintf(&b, "%d\t%s\n", i, k.labels[i%len(k.labels)])
	}
	return b.String()
}

var all = []string{"CoLA.tsv", "SST-2.tsv", "MRPC.tsv", "STS-B.tsv", "QQP.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "QNLI.tsv", "RTE.tsv", "WNLI.tsv", "AX.tsv"}

// pack makes a zip of name and content by turns.
func pack(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err == nil {
			_, err = io.WriteString(w, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func check(content []byte, partial bool) error {
	return Check("s.zip", bytes.NewReader(content), int64(len(content)), partial)
}

func TestGoodZips(t *testing.T) {
	var pairs []string
	for _, name := range all {
		pairs = append(pairs, name, good(name))
	}
	if err := check(pack(t, pairs...), false); err != nil {
		t.Error(err)
	}
	if err := check(pack(t, "WNLI.tsv", strings.TrimSuffix(good("WNLI.tsv"), "\n")), true); err != nil {
		t.Error(err)
	}
}

// Every broken zip is refused, and its reason names the file and what is wrong.
func TestBrokenZips(t *testing.T) {
	rte, wnli := good("RTE.tsv"), good("WNLI.tsv")
	once := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in the table", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	table := func(name, content string) []byte { return pack(t, name, content) }
	whole := pack(t, "WNLI.tsv", wnli)
	damaged := bytes.Clone(whole)
	damaged[60] ^= 0xff
	locked := bytes.Clone(whole)
	locked[bytes.Index(locked, []byte("PK\x01\x02"))+8] |= 1
	lines := strings.SplitAfter(wnli, "\n")
	swapped := strings.Join(append([]string{lines[0], lines[2], lines[1]}, lines[3:]...), "")
	var vast bytes.Buffer
	z := zip.NewWriter(&vast)
	z.CreateRaw(&zip.FileHeader{Name: "WNLI.tsv", Method: zip.Deflate, UncompressedSize64: largest + 1})
	z.Close()
	for _, c := range []struct {
		what string
		zip  []byte
		says string
	}{
		{"no zip", []byte("index\tprediction\n"), "is not a zip"},
		{"cut short", whole[:len(whole)-30], "is not a zip, or is cut short"},
		{"damaged", damaged, `"WNLI.tsv": `},
		{"encrypted", locked, "is encrypted"},
		{"empty zip", pack(t), "holds none of the leaderboard's files"},
		{"name in other case", table("rte.tsv", rte), "did you mean RTE.tsv"},
		{"name of run_glue", table("predict_results_rte.txt", rte), "is an unknown name; the leaderboard takes CoLA.tsv"},
		{"a file of a Mac", pack(t, "RTE.tsv", rte, "__MACOSX/._RTE.tsv", "x"), `"__MACOSX/._RTE.tsv": is an unknown name`},
		{"in a folder", table("submission/RTE.tsv", rte), "lies in a folder; expected RTE.tsv at the top"},
		{"twice", pack(t, "RTE.tsv", rte, "RTE.tsv", rte), "is there twice"},
		{"empty table", table("WNLI.tsv", ""), "is empty"},
		{"no header", table("WNLI.tsv", once(wnli, "index\tprediction\n", "")), `line 1: found the header "0\t0", expected "index\tprediction"`},
		{"other header", table("WNLI.tsv", once(wnli, "index\tprediction", "id\tlabel")), `found the header "id\tlabel"`},
		{"byte order mark", table("WNLI.tsv", "\ufeff"+wnli), `line 1: found the header`},
		{"a row too few", table("WNLI.tsv", once(wnli, "145\t1\n", "")), "has 145 rows; the test file has 146"},
		{"a row too many", table("WNLI.tsv", wnli+"146\t0\n"), "line 148: is a row too many: the test file has 146"},
		{"a gap in the index", table("WNLI.tsv", once(wnli, "\n7\t", "\n8\t")), `line 9: found the index "8", expected 7`},
		{"index from 1", table("WNLI.tsv", once(wnli, "\n0\t", "\n1\t")), `line 2: found the index "1", expected 0`},
		{"out of order", table("WNLI.tsv", swapped), `line 2: found the index "1", expected 0`},
		{"index as a decimal", table("WNLI.tsv", once(wnli, "\n3\t", "\n3.0\t")), `line 5: found the index "3.0", expected 3`},
		{"a label's name for a digit", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\tnot_entailment")), `line 4: found the prediction "not_entailment", expected one of 0, 1`},
		{"a digit for a label's name", table("RTE.tsv", once(rte, "\n1\tentailment", "\n1\t0")), `line 3: found the prediction "0", expected one of entailment, not_entailment`},
		{"another task's label", table("RTE.tsv", once(rte, "\n1\tentailment", "\n1\tneutral")), `found the prediction "neutral"`},
		{"a class as a decimal", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t0.0")), `found the prediction "0.0"`},
		{"no label", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t-1")), `found the prediction "-1"`},
		{"an empty prediction", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t")), `found the prediction ""`},
		{"a space for the tab", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2 0")), "line 4: found 1 column,"},
		{"three columns", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t0\t0.9")), "line 4: found 3 columns"},
		{"quotes", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t\"0\"")), "line 4: holds a quote"},
		{"carriage returns", table("WNLI.tsv", strings.ReplaceAll(wnli, "\n", "\r\n")), "line 1: holds a carriage return"},
		{"a blank line", table("WNLI.tsv", wnli+"\n"), "line 148: is blank"},
		{"a line without end", table("WNLI.tsv", once(wnli, "\n2\t0", "\n2\t"+strings.Repeat("0", 1<<17))), "line 4: has more than 65536 bytes"},
		{"a table without end", vast.Bytes(), "more than any table"},
		{"a score above 5", table("STS-B.tsv", once(good("STS-B.tsv"), "2.718", "5.001")), `found the prediction "5.001", expected a number from 0 to 5`},
		{"a score that is none", table("STS-B.tsv", once(good("STS-B.tsv"), "2.718", "NaN")), `found the prediction "NaN"`},
		{"a score below 0", table("STS-B.tsv", once(good("STS-B.tsv"), "2.718", "-0.1")), `found the prediction "-0.1"`},
	} {
		err := check(c.zip, true)
		if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", c.what, err, c.says)
		}
	}
	err := check(pack(t, "RTE.tsv", rte, "WNLI.tsv", wnli), false)
	if err == nil || !strings.Contains(err.Error(), "lacks CoLA.tsv, SST-2.tsv, MRPC.tsv, STS-B.tsv, QQP.tsv, MNLI-m.tsv, MNLI-mm.tsv, QNLI.tsv, AX.tsv") {
		t.Errorf("a partial one: %v", err)
	}
}

// run makes a run's folder with predictions.
func run(t *testing.T, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, pairs[i]), []byte(pairs[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Names of labels become the labels of GLUE's files, numbers are cut to STS-B's
// range, and the zip is the same for the same predictions.
func TestCollect(t *testing.T) {
	const sst2, stsb = "predict_results_sst2.txt", "predict_results_stsb.txt"
	answers := func(rows int, texts ...string) string {
		var b strings.Builder
		b.WriteString("index\tprediction\n")
		for i := range rows {
			fmt.Fprintf(&b, "%d\t%s\n", i, texts[i%len(texts)])
		}
		return b.String()
	}
	runs := []string{
		run(t, sst2, answers(1821, "positive", "negative")),
		run(t, stsb, answers(1379, "-0.126", "5.300", "2.718", "3.000")),
		run(t, "predict_results_mnli.txt", answers(9796, "neutral", "entailment", "contradiction"),
			"predict_results_mnli-mm.txt", answers(9847, "contradiction"),
			"predict_results_ax.txt", answers(1104, "neutral", "entailment", "contradiction")),
	}
	tables, err := Collect(runs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range tables {
		want := good(name)
		if name == "STS-B.tsv" {
			want = strings.ReplaceAll(want, "\t3\n", "\t3.000\n")
		}
		if string(text) != want {
			t.Errorf("%s: %.80q, want %.80q", name, text, want)
		}
	}
	var a, b bytes.Buffer
	if err := tables.Write(&a); err != nil {
		t.Fatal(err)
	}
	tables.Write(&b)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two zips of the same tables differ")
	}
	if err := check(a.Bytes(), true); err != nil {
		t.Error(err)
	}
	z, err := zip.NewReader(bytes.NewReader(a.Bytes()), int64(a.Len()))
	if err != nil || len(z.File) != 5 {
		t.Fatalf("%v, %d files", err, len(z.File))
	}
}

func TestCollectRefuses(t *testing.T) {
	rte := "index\tprediction\n0\tentailment\n"
	one := run(t, "predict_results_rte.txt", rte)
	for _, c := range []struct {
		what, says string
		runs       []string
	}{
		{"a run without predictions", "holds no predict_results_<task>.txt", []string{run(t, "predict_results_mine.txt", rte)}},
		{"two runs of a task", "RTE.tsv: two runs answer it", []string{one, run(t, "predict_results_rte.txt", rte)}},
		{"an unknown label", `line 2: found the prediction "yes", expected one of entailment, not_entailment`, []string{run(t, "predict_results_rte.txt", "index\tprediction\n0\tyes\n")}},
		{"a score that is none", `found the prediction "NaN", expected a number`, []string{run(t, "predict_results_stsb.txt", "index\tprediction\n0\tNaN\n")}},
		{"a folder that is not there", "none: no such folder", []string{filepath.Join(one, "none")}},
	} {
		_, err := Collect(c.runs, nil)
		if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", c.what, err, c.says)
		}
	}
	// One without answers, as of runs/*, does not spoil those of another.
	var notes []string
	without := run(t)
	tables, err := Collect([]string{without, one}, func(text string) { notes = append(notes, text) })
	if err != nil || len(notes) != 1 || !strings.HasPrefix(notes[0], without+": holds no") || len(tables) != 1 {
		t.Fatalf("%v, %q, %d tables", err, notes, len(tables))
	}
	var b bytes.Buffer
	tables.Write(&b)
	if err := check(b.Bytes(), true); err == nil || !strings.Contains(err.Error(), "has 1 row; the test file has 3000") {
		t.Errorf("predictions of a part: %v", err)
	}
}
