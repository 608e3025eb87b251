package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A vocabulary is the same from a file, from its packed copy and from the
// standard input, on any number of threads, and init makes a model for it.
func TestVocab(t *testing.T) {
	dir := job(t)
	text := readFile(t, filepath.Join(dir, "train.txt"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(text)
	z.Close()
	if err := os.WriteFile(filepath.Join(dir, "train.gz"), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for folder, args := range map[string]string{"file": "train.txt", "packed": "train.gz --threads 1", "stdin": "- --threads 3"} {
		r := pactune(t, dir, string(text), strings.Fields("vocab --size 200 --out new/"+folder+" "+args)...)
		if r.code != 0 || r.stdout != "new/"+folder+"\n" || !strings.Contains(r.stderr, "vocab   200 pieces, of ") || strings.Contains(r.stderr, "note") {
			t.Fatalf("%s: %+v", folder, r)
		}
	}
	if got := strings.Join(names(t, filepath.Join(dir, "new", "file")), " "); got != "special_tokens_map.json tokenizer.json tokenizer_config.json vocab.txt" {
		t.Errorf("the folder holds %s", got)
	}
	for _, name := range []string{"vocab.txt", "tokenizer.json"} {
		want := readFile(t, filepath.Join(dir, "new", "file", name))
		for _, folder := range []string{"packed", "stdin"} {
			if !bytes.Equal(readFile(t, filepath.Join(dir, "new", folder, name)), want) {
				t.Errorf("%s of %s is another one", name, folder)
			}
		}
	}
	if r := pactune(t, dir, "", strings.Fields("init --size tiny --vocab new/file/vocab.txt own")...); r.code != 0 {
		t.Errorf("init: %+v", r)
	}
}

// More pieces than the text gives, bytes that are no UTF-8 and words that are too
// long are told, and no error.
func TestVocabNotes(t *testing.T) {
	dir := t.TempDir()
	r := pactune(t, dir, "one Café\none caf\xe9 \xff\n", strings.Fields("vocab --cased --json --quiet --size 100 --out new -")...)
	if want := "note    standard input: line 2: found bytes that are not UTF-8, 2 in the file; they are left out\n" +
		"note    20 pieces instead of 100: the text has no other pair that occurs twice\n"; r.code != 0 || r.stderr != want {
		t.Errorf("%+v, want the message %q", r, want)
	}
	var record map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &record); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"folder": "new", "bytes": 21., "invalid_bytes": 2., "words": 4., "distinct_words": 3., "long_words": 0.,
		"unknown_words": 0., "characters": 8., "pieces": 20.} {
		if record[key] != want {
			t.Errorf("%s is %v, want %v", key, record[key], want)
		}
	}
	if !strings.Contains(string(readFile(t, filepath.Join(dir, "new", "tokenizer_config.json"))), `"do_lower_case": false`) {
		t.Error("--cased does not stand in tokenizer_config.json")
	}
	r = pactune(t, dir, "one "+strings.Repeat("long", 26), strings.Fields("vocab --size 10 --out again -")...)
	if r.code != 0 || !strings.Contains(r.stderr, "note    1 words of more than 100 characters were passed over") {
		t.Errorf("%+v", r)
	}
}
