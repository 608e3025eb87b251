package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/tokenizer"
	"pactune/train"
)

// The encoder is the one that its card describes, whole, and under its licence.
func TestEncoder(t *testing.T) {
	folder := Encoder()
	weights, err := fs.ReadFile(folder, "model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if len(weights) > 12e6 {
		t.Errorf("%d bytes, want at most 12,000,000", len(weights))
	}
	card, err := fs.ReadFile(folder, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(weights)
	if hash := hex.EncodeToString(sum[:]); !strings.Contains(string(card), hash) {
		t.Errorf("README.md does not have the SHA-256 of model.safetensors, %s", hash)
	}
	checkpoint, err := bert.OpenFS(folder, ".")
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	model, err := bert.Declare(checkpoint.Config, bert.HeadMLM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if lacks := checkpoint.Lacks(model); len(lacks) > 0 {
		t.Errorf("as a masked language model it lacks %v", lacks)
	}
	licence, err := train.ReadLicence(folder)
	if err != nil || licence.Name != "cc-by-sa-4.0" {
		t.Errorf("licence %q, %v", licence.Name, err)
	}
	for name, says := range map[string]string{"LICENSE": "Attribution-ShareAlike 4.0", "NOTICE": "Wikipedia", "README.md": "ELTeC"} {
		if text, err := fs.ReadFile(folder, name); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v", name, says, err)
		}
	}
}

// The vocabulary has pieces for every text of the job, and few of them a word.
func TestPieces(t *testing.T) {
	tok, err := tokenizer.Load(Encoder(), ".")
	if err != nil {
		t.Fatal(err)
	}
	unknown, _ := tok.ID("[UNK]")
	train, dev := both(t)
	pieces, words := 0, 0
	var e tokenizer.Encoding
	for _, it := range append(train, dev...) {
		tok.Encode(&e, it.text, "", false, 0)
		for _, id := range e.IDs {
			if id == unknown {
				t.Errorf("%q has an unknown piece", it.text)
			}
		}
		pieces, words = pieces+len(e.IDs)-2, words+len(it.words)
	}
	if mean := float64(pieces) / float64(words); mean > 1.6 { // full stops and commas count as pieces
		t.Errorf("%.2f pieces a word", mean)
	}
}
