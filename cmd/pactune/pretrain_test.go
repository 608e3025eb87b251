package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// From text to an answer: pretrain, resume, which has nothing left to do, guess a
// masked word, fine-tune the encoder, go on with it on other text.
func TestPretrainedModelIsUsed(t *testing.T) {
	dir := job(t)
	text := strings.Repeat("the soil is dug and the dough rises by the oven .\nleeks are washed in the garden .\n\n", 900)
	write(t, filepath.Join(dir, "text.txt"), text)
	write(t, filepath.Join(dir, "more.txt"), "it rains .\n"+text)
	r := pactune(t, dir, "", strings.Fields("pretrain text.txt --model_config 1x32/2 --vocab vocab.txt --max_seq_length 24 --max_steps 3 --output_dir read --quiet --json")...)
	var done struct {
		Folder        string
		Steps, Tokens int
		Interrupted   bool
	}
	if err := json.Unmarshal([]byte(r.stdout), &done); err != nil || r.code != 0 || r.stderr != "" || done.Folder != "read" || done.Steps != 3 || done.Tokens < 1000 || done.Interrupted {
		t.Fatalf("%v: %+v", err, r)
	}
	if r := pactune(t, dir, "", "resume", "read"); r.code != 0 || r.stdout != "read\n" || !strings.Contains(r.stderr, "nothing is left to do") {
		t.Errorf("resume: %+v", r)
	}
	r = pactune(t, dir, "", "fill-mask", "--json", "--model_name_or_path", "read", "the soil is [MASK] .")
	var guesses []struct {
		Token string
		Score float64
	}
	if err := json.Unmarshal([]byte(r.stdout), &guesses); err != nil || len(guesses) != 5 || guesses[0].Score < guesses[4].Score {
		t.Errorf("fill-mask: %v, %+v", err, r)
	}
	for _, args := range []string{
		"train train.txt --validation_file dev.txt --model_name_or_path read --max_seq_length 24 --max_steps 1 --method adamw --quiet --output_dir tuned",
		"pretrain more.txt --model_name_or_path read --max_seq_length 24 --max_steps 1 --quiet --output_dir further",
	} {
		if r := pactune(t, dir, "", strings.Fields(args)...); r.code != 0 || r.stderr != "" {
			t.Errorf("pactune %s: %+v", args, r)
		}
	}
}
