//go:build unix

package main

import (
	"os"
	"strings"
)

var badPretraining = part{"Pretraining", false, func(f *badFiles) {
	f.write("text.txt", strings.Repeat("the soil is dug and the dough rises by the oven .\n\n", 40))
	f.write("empty.txt", "")
	f.write("word.txt", "soil")
	f.write("bad.txt.gz", "\x1f\x8b\x08\x00 this is no gzip")
	f.mkdir("texts")
	f.mkdir("notarun")
	f.must(os.WriteFile(f.path("notarun/training_args.json"), []byte("{}"), 0o644))
	f.mkdir("halfrun")
	f.must(os.WriteFile(f.path("halfrun/training_args.json"), []byte(`{"mlm_probability": "much"}`), 0o644))
}, []badInput{
	{"no text", "PRETRAIN", 2, []string{"--train_files"}},
	{"no model", "pretrain text.txt --vocab vocab.txt", 2, []string{"--model_config"}},
	{"no vocabulary", "pretrain text.txt --model_config 1x32/2", 2, []string{"--vocab"}},
	{"a new model and an old one", "PRETRAIN text.txt --model_name_or_path model", 2, []string{"give one of them"}},
	{"a shape that is none", "pretrain text.txt --vocab vocab.txt --model_config big", 2, []string{`"big"`, "4x256"}},
	{"heads that do not divide the width", "pretrain text.txt --vocab vocab.txt --model_config 1x32/5", 2, []string{"1x32/5", "32", "5"}},
	{"a vocabulary that is not there", "pretrain text.txt --model_config 1x32/2 --vocab none", 4, []string{"--vocab none"}},
	{"a share of everything", "PRETRAIN text.txt --mlm_probability 1", 2, []string{"--mlm_probability 1", "below 1"}},
	{"a time that is none", "PRETRAIN text.txt --save_every often", 2, []string{`"often"`, "10m"}},
	{"no checkpoints kept", "PRETRAIN text.txt --save_total_limit 0", 2, []string{"from 1 up"}},
	{"a text that is not there", "PRETRAIN none.txt", 3, []string{"none.txt: no such file"}},
	{"a folder for a text", "PRETRAIN texts", 3, []string{"texts"}},
	{"an empty text", "PRETRAIN empty.txt", 3, []string{"empty.txt"}},
	{"a text shorter than a sequence", "PRETRAIN word.txt", 3, []string{"word.txt"}},
	{"a damaged .gz", "PRETRAIN bad.txt.gz", 3, []string{"bad.txt.gz"}},
	{"the same text twice", "PRETRAIN text.txt text.txt", 3, []string{"text.txt", "same bytes"}},
	{"more positions than the model has", "pretrain text.txt --model_name_or_path model --max_seq_length 1000", 2, []string{"--max_seq_length 1000", "at most"}},
	{"a folder that is in use", "PRETRAIN text.txt --output_dir texts/..", 2, []string{"not empty"}},
	{"a rate that blows up", "PRETRAIN text.txt --learning_rate 1e30 --max_steps 30 --warmup_ratio 0 --max_grad_norm 0", 6, []string{"--learning_rate"}},
	{"resume without a folder", "resume", 2, []string{"resume needs the folder"}},
	{"resume what is not there", "resume none", 2, []string{"none"}},
	{"resume another kind of run", "resume notarun", 2, []string{"notarun", "run.json"}},
	{"resume with settings that are broken", "resume halfrun", 2, []string{"halfrun", "mlm_probability"}},
}}
