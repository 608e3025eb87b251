//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/hub/fake"
)

// onHub is a hub that has the model in dir/model, and a command that knows it.
func onHub(t *testing.T, dir string) (h *fake.Hub, with func(env string, args string) outcome) {
	t.Helper()
	contents := map[string][]byte{"README.md": []byte("# a model"), "pytorch_model.bin": bytes.Repeat([]byte("pickled"), 500)}
	for _, name := range []string{"config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"} {
		contents[name] = readFile(t, filepath.Join(dir, "model", name))
	}
	h = fake.New(t, "owner/model", contents)
	return h, func(env, args string) outcome {
		t.Helper()
		c := command1(dir, strings.Fields(args)...)
		c.Env = append(c.Env, "HF_ENDPOINT="+h.URL, "HF_HOME="+filepath.Join(dir, "hf"), "HF_HUB_CACHE=", "HUGGINGFACE_HUB_CACHE=", "TRANSFORMERS_CACHE=", "HF_TOKEN=", "HF_HUB_OFFLINE=", "TRANSFORMERS_OFFLINE=")
		c.Env = append(c.Env, strings.Fields(env)...)
		return outcomeOf(t, c, "a garden\n")
	}
}

// A name is not found, fetched, found in the cache, and used without the hub.
func TestModelByName(t *testing.T) {
	dir := job(t)
	h, with := onHub(t, dir)
	train := "train train.txt --validation_file dev.txt --method adamw --max_steps 1 --seed 3 --model_name_or_path "

	r := with("", train+"owner/model --output_dir one")
	for _, part := range []string{"owner/model: no such folder", filepath.Join(dir, "hf", "hub"), "pactune download owner/model\n", h.URL + "/owner/model/resolve/main/config.json", "a folder owner/model "} {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("not there: the message lacks %q", part)
		}
	}
	if r.code != 4 || r.stdout != "" || len(h.Requests()) > 0 {
		t.Errorf("not there: %+v", r)
	}

	r = with("HF_TOKEN=hf_secret", "download owner/model")
	folder := filepath.Join(dir, "hf", "hub", "models--owner--model", "snapshots", h.Commit)
	if r.code != 0 || r.stdout != folder+"\n" || !strings.Contains(r.stderr, "model.safetensors, kB ") || strings.Contains(r.stderr, "\r") {
		t.Fatalf("download: %+v", r)
	}
	h.Requests()
	r = with("HF_HUB_OFFLINE=1", "download owner/model --json --quiet")
	var summary map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &summary); err != nil || r.code != 0 || r.stderr != "" || summary["folder"] != folder || summary["commit"] != h.Commit || summary["bytes_fetched"] != 0.0 {
		t.Errorf("again, offline: %+v, %v", r, err)
	}

	if r = with("HF_TOKEN=hf_secret", train+"owner/model --output_dir one"); r.code != 0 {
		t.Fatalf("train: %+v", r)
	}
	if r = with("", train+"model --output_dir two"); r.code != 0 {
		t.Fatalf("train: %+v", r)
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, "one", "model.safetensors")), readFile(t, filepath.Join(dir, "two", "model.safetensors"))) {
		t.Error("by name and by folder, two results")
	}
	if card := readFile(t, filepath.Join(dir, "one", "README.md")); !bytes.Contains(card, []byte(`base_model: "owner/model"`)) {
		t.Errorf("card: %.300s", card)
	}
	if manifest := readFile(t, filepath.Join(dir, "one", "run.json")); !bytes.Contains(manifest, []byte(h.Commit)) {
		t.Error("run.json does not name the commit")
	}
	filepath.WalkDir(filepath.Join(dir, "one"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && bytes.Contains(readFile(t, path), []byte("hf_secret")) {
			t.Errorf("%s has the token", path)
		}
		return err
	})
	if r = with("", train+"model --tokenizer_name owner/model --model_revision "+h.Commit+" --output_dir three"); r.code != 0 {
		t.Errorf("tokenizer by name: %+v", r)
	}
	if len(h.Requests()) > 0 {
		t.Error("a command other than download asked the hub")
	}
}

// A fine-tuned model by its name.
func TestFineTunedByName(t *testing.T) {
	dir := job(t)
	if r := pactune(t, dir, "", strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --method adamw --max_steps 1 --output_dir tuned")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if err := os.RemoveAll(filepath.Join(dir, "model")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "tuned"), filepath.Join(dir, "model")); err != nil {
		t.Fatal(err)
	}
	_, with := onHub(t, dir)
	if r := with("", "download owner/model --cache_dir hub --revision main --quiet"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for args, has := range map[string]string{"predict %s": "\t0.", "evaluate %s dev.txt --max_seq_length 128 --json": `"accuracy": 0.`} {
		name := with("", fmt.Sprintf(args, "owner/model --cache_dir hub"))
		folder := with("", fmt.Sprintf(args, "model"))
		if name.code != 0 || !strings.Contains(name.stdout, has) || name.stdout != folder.stdout {
			t.Errorf("%s: by name %+v\nby folder %+v", args, name, folder)
		}
	}
}

// Each error of download has its exit code, and no file stays.
func TestBadDownload(t *testing.T) {
	dir := job(t)
	h, with := onHub(t, dir)
	for _, test := range []struct {
		env, args string
		code      int
		says      string
	}{
		{"", "download", 2, "needs one name of a model"},
		{"", "download a b", 2, "found 2"},
		{"", "download a/../../b", 2, "is not the name of a model"},
		{"", "download %2e%2e/b", 2, "is not the name of a model"},
		{"", "download owner/model --revision ../x", 2, "--model_revision"},
		{"", "download owner/model --revision v9", 2, `no revision "v9"`},
		{"", "download owner/other", 2, "no such model"},
		{"", "download owner/model --method pac", 2, "unknown option --method"},
		{"HF_ENDPOINT=http://mirror.example", "download owner/model", 2, "expected an address with https"},
		{"HF_ENDPOINT=http://127.0.0.1:1", "download owner/model", 1, "does not answer"},
		{"TRANSFORMERS_OFFLINE=1", "download owner/model", 2, "forbids the network"},
		{"HF_HUB_CACHE=train.txt", "download owner/model", 2, "train.txt"},
	} {
		before := tree(t, dir)
		r := with(test.env, test.args)
		if r.code != test.code || r.stdout != "" || !strings.Contains(r.stderr, test.says) || strings.Contains(r.stderr, "goroutine") {
			t.Errorf("%s %s: %+v, expected %d, %q", test.env, test.args, r, test.code, test.says)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%s: files before\n%s\nafter\n%s", test.args, before, after)
		}
	}
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/"+fake.Hash(h.Files["model.safetensors"]) {
			w.Write(make([]byte, len(h.Files["model.safetensors"])))
			return true
		}
		return false
	}
	if r := with("", "download owner/model"); r.code != 4 || !strings.Contains(r.stderr, "SHA-256") {
		t.Errorf("wrong bytes: %+v", r)
	}
}
