package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/tensor"
	"pactune/tokenizer"
	"pactune/train"
)

// maskedModel writes a BertForMaskedLM whose logits are biases alone: 4 for
// "garden", 3 for "kitchen", 2 for "##s", 0 for all others, whatever the sentence.
func maskedModel(t *testing.T, dir string) (vocabulary int) {
	t.Helper()
	tok, err := tokenizer.FromVocab(bytes.NewReader(smallVocabulary(t)), "vocab.txt", tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := bert.Sized("tiny", tok.VocabSize())
	if err != nil {
		t.Fatal(err)
	}
	m, err := bert.New(c, bert.HeadMLM, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(1)
	m.Config.Architectures = []string{m.Architecture()}
	clear(m.Store.Param("cls.predictions.transform.LayerNorm.weight").Clean)
	for i, token := range []string{"##s", "kitchen", "garden"} {
		id, ok := tok.ID(token)
		if !ok {
			t.Fatalf("the vocabulary has no %s", token)
		}
		m.Store.Param("cls.predictions.bias").Clean[id] = tensor.Float(i + 2)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content func(io.Writer) error) error {
		var b bytes.Buffer
		if err := content(&b); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
	}
	if err := train.WriteModel(write, m, tok); err != nil {
		t.Fatal(err)
	}
	return tok.VocabSize()
}

func TestFillMask(t *testing.T) {
	dir := t.TempDir()
	v := float64(maskedModel(t, filepath.Join(dir, "masked")))
	sum := math.Exp(4) + math.Exp(3) + math.Exp(2) + v - 3
	args := func(more ...string) []string {
		return append([]string{"fill-mask", "--model_name_or_path", "masked", "--threads", "1"}, more...)
	}
	r := pactune(t, dir, "", args("--top_k", "3", "Roses grow in the [MASK] .", "a [MASK] and a [MASK]")...)
	var want strings.Builder
	for _, form := range []string{"Roses grow in the%s .", "a%s and a [MASK]", "a [MASK] and a%s"} {
		for i, fill := range []struct{ token, text string }{{"garden", " garden"}, {"kitchen", " kitchen"}, {"##s", "s"}} {
			fmt.Fprintf(&want, "%.4f\t%s\t"+form+"\n", math.Exp(float64(4-i))/sum, fill.token, fill.text)
		}
	}
	if r.code != 0 || r.stdout != want.String() || r.stderr != "" {
		t.Errorf("exit %d, stderr %s, stdout\n%swant\n%s", r.code, r.stderr, r.stdout, want.String())
	}

	// From the standard input, in JSON, with and without a last line feed.
	for _, input := range []string{"the [MASK] .\n[MASK] [MASK]\n", "the [MASK] .\r\n[MASK] [MASK]"} {
		r = pactune(t, dir, input, args("--json")...)
		lines := strings.Split(r.stdout, "\n")
		if r.code != 0 || len(lines) != 3 || lines[2] != "" {
			t.Fatalf("exit %d, stderr %s, stdout\n%s", r.code, r.stderr, r.stdout)
		}
		var one []map[string]any
		var two [][]map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &one); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(lines[1]), &two); err != nil {
			t.Fatal(err)
		}
		if len(two) != 2 {
			t.Fatalf("%d lists for two masks", len(two))
		}
		for _, list := range append(two, one) {
			if len(list) != 5 || len(list[0]) != 2 {
				t.Fatalf("%v; want five objects of token and score", list)
			}
			for i, token := range []string{"garden", "kitchen", "##s", "[PAD]"} { // and then the first of the vocabulary
				score, _ := list[i]["score"].(float64)
				p := math.Exp([]float64{4, 3, 2, 0}[i]) / sum
				if list[i]["token"] != token || math.Abs(score-p) > 1e-12 { // float64 throughout
					t.Errorf("%d: %v, want %s with %v", i, list[i], token, p)
				}
			}
		}
	}

	// All tokens, asked for either way, have probabilities that add up.
	for _, k := range []string{"0", "1000000"} {
		r = pactune(t, dir, "", args("--json", "--top_k", k, "[MASK]")...)
		var all []candidate
		if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || len(all) != int(v) {
			t.Fatalf("%v, %d tokens of %v: %s", err, len(all), v, r.stderr)
		}
		total := 0.0
		for _, c := range all {
			total += c.Score
		}
		if math.Abs(total-1) > 1e-9 {
			t.Errorf("the probabilities add up to %v", total)
		}
	}
}

// What was right before a bad line has been answered; a bad sentence of the
// command line is found before the first answer.
func TestFillMaskStops(t *testing.T) {
	dir := t.TempDir()
	maskedModel(t, filepath.Join(dir, "masked"))
	r := pactune(t, dir, "[MASK]\nno mask\n[MASK]\n", "fill-mask", "--model_name_or_path", "masked", "--json")
	if r.code != 3 || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stderr, `standard input: line 2: found no [MASK] in "no mask"`) {
		t.Errorf("%+v", r)
	}
	r = pactune(t, dir, "", "fill-mask", "--model_name_or_path", "masked", "[MASK]", "no mask")
	if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "sentence 2: found no [MASK]") {
		t.Errorf("%+v", r)
	}
	r = pactune(t, dir, strings.Repeat(".", 509)+"[MASK]\n"+strings.Repeat(".", 510)+"[MASK]\n", "fill-mask", "--model_name_or_path", "masked")
	if r.code != 3 || strings.Count(r.stdout, "\n") != 5 || !strings.Contains(r.stderr, "line 2: found more than the 512 tokens") {
		t.Errorf("%+v", r)
	}
}

// The encoder inside the program has learnt how words stand together: of 25 sentences
// with a masked preposition, article, pronoun or form of "to be" it finds the word
// among its first five for 24. The five commonest tokens, whatever the sentence, have
// 5 of them.
func TestEncoderHasRead(t *testing.T) {
	data, err := os.ReadFile("../../embedded/testdata/cloze.txt")
	if err != nil {
		t.Fatal(err)
	}
	var sentences, words []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		sentence, word, _ := strings.Cut(line, "\t")
		sentences, words = append(sentences, sentence), append(words, word)
	}
	r := pactune(t, t.TempDir(), strings.Join(sentences, "\n"), "fill-mask", "--json")
	found := 0
	for i, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		var first []candidate
		if err := json.Unmarshal([]byte(line), &first); err != nil || len(first) != 5 {
			t.Fatalf("%v: %q, %s", err, line, r.stderr)
		}
		if slices.ContainsFunc(first, func(c candidate) bool { return c.Token == words[i] }) {
			found++
		} else {
			t.Logf("%s: %v, not %s", sentences[i], first, words[i])
		}
	}
	if t.Logf("%d of %d", found, len(words)); found < 22 {
		t.Errorf("%d of %d words among the first five; want 22", found, len(words))
	}
}
