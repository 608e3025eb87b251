//go:build unix

package main

import (
	"math"
	"strings"
)

const someTensor = "encoder.layer.1.output.dense.weight"

// longName is longer than any system takes.
var longName = strings.Repeat("long", 64)

var badData = part{"Data", true, func(f *badFiles) {
	f.write("empty.txt", "")
	f.write("nolabel.txt", "red roses\tgarden\na pan\n")
	f.write("nolabel.csv", "text,label\nred roses,garden\na pan,\n")
	f.write("wide.txt", "red roses\tgarden\na pan\tand\ta lid\tkitchen\n")
	f.write("wide.csv", "text,label\nred roses,garden\na pan, and a lid,kitchen\n")
	f.write("latin.txt", "red roses\tgarden\na caf\xe9\tkitchen\n")
	f.write("attic.txt", "a pan\tkitchen\na trunk\tattic\n")
	f.write("one.txt", "red roses\tgarden\na lawn\tgarden\n")
}, []badInput{
	{"missing file", "TRAIN --train_file none.txt", 3, []string{"none.txt: no such file"}},
	{"missing validation file", "train train.txt --model_name_or_path model --validation_file none.txt", 3, []string{"none.txt: no such file"}},
	{"empty file", "TRAIN --train_file empty.txt", 3, []string{"empty.txt: the file is empty"}},
	{"row without label", "TRAIN --train_file nolabel.txt", 3, []string{"nolabel.txt: line 2", "no \"label\""}},
	{"row with an empty label", "TRAIN --train_file nolabel.csv", 3, []string{"nolabel.csv: line 3", "no label"}},
	{"row with too many columns", "TRAIN --train_file wide.txt", 3, []string{"wide.txt: line 2: found 4 columns, expected 2"}},
	{"the same in CSV", "TRAIN --train_file wide.csv", 3, []string{"wide.csv: line 3: found 3 columns, expected 2"}},
	{"invalid UTF-8", "TRAIN --train_file latin.txt", 3, []string{"latin.txt: line 2", "0xe9", "iconv"}},
	{"label in dev that train lacks", "train train.txt --model_name_or_path model --validation_file attic.txt", 3, []string{"attic.txt: line 2", `"attic"`, `"garden", "kitchen"`}},
	{"one class only", "TRAIN --train_file one.txt", 3, []string{"one.txt: found one class only", `"garden"`}},
}}

var badModel = part{"Model", true, func(f *badFiles) {
	f.weights("model", "truncated", func(h header, body []byte) []byte { return body[:len(body)-100] })
	f.weights("model", "overlap", func(h header, body []byte) []byte {
		e := h[someTensor]
		e.Offsets[0], e.Offsets[1] = e.Offsets[0]-4, e.Offsets[1]-4
		return body
	})
	f.replace("oversized", "model.safetensors", "\x00\x00\x00\x00\x00\x01\x00\x00{}")
	f.weights("model", "dtype", func(h header, body []byte) []byte { h[someTensor].DType = "I32"; return body })
	f.weights("model", "missing", func(h header, body []byte) []byte {
		h["other"] = h[someTensor]
		delete(h, someTensor)
		return body
	})
	f.weights("model", "shape", func(h header, body []byte) []byte {
		s := h[someTensor].Shape
		s[0], s[1] = s[1], s[0]
		return body
	})
	f.config("wider", map[string]any{"hidden_size": 256})
	f.config("deeper", map[string]any{"num_hidden_layers": 3})
	vocab := string(f.read("vocab.txt"))
	f.vocabulary("morewords", vocab+"zzyzx\n")
	f.vocabulary("fewwords", strings.Join(strings.SplitAfter(vocab, "\n")[:1000], ""))
	f.set("model", "nan", someTensor, 10, float32(math.NaN()))
	f.set("model", "infinite", "embeddings.word_embeddings.weight", 128*1500, float32(math.Inf(1)))
}, []badInput{
	{"truncated weights", "MODEL truncated", 4, []string{"truncated/model.safetensors", "pooler.dense.weight", "cut short"}},
	{"overlapping offsets", "MODEL overlap", 4, []string{"overlap/model.safetensors", someTensor, "overlap"}},
	{"oversized header", "MODEL oversized", 4, []string{"oversized/model.safetensors", "1099511627776", "expected at most 100000000"}},
	{"wrong dtype", "MODEL dtype", 4, []string{"dtype/model.safetensors", someTensor, "found the dtype I32, expected F32"}},
	{"missing tensor", "MODEL missing", 4, []string{"missing/model.safetensors", someTensor, "is missing"}},
	{"wrong shape", "MODEL shape", 4, []string{"shape/model.safetensors", someTensor, "[512 128]", "[128 512]"}},
	{"config.json of a wider model", "MODEL wider", 4, []string{"wider/model.safetensors", "[1618 128]", "[1618 256]"}},
	{"config.json of a deeper model", "MODEL deeper", 4, []string{"deeper/model.safetensors", "encoder.layer.2", "is missing"}},
	{"vocabulary larger than the embedding", "MODEL morewords", 4, []string{"morewords: the vocabulary has 1619", "vocab_size 1618"}},
	{"vocabulary of another, larger model", "MODEL fewwords", 4, []string{"fewwords: the vocabulary has only 1000", "vocab_size 1618"}},
	{"NaN in the weights", "MODEL nan", 6, []string{"nan/model.safetensors", someTensor, "element 10 is NaN"}},
	{"infinity in a row that no text uses", "MODEL infinite", 6, []string{"infinite/model.safetensors", "word_embeddings", "element 192000 is +Inf"}},
}}

var badOutput = part{"Output folder", true, func(f *badFiles) {
	f.mkdir("full")
	f.write("full/notes.txt", "x")
	f.link("model", "alias")
	f.link("nirvana", "dangling")
}, []badInput{
	{"not empty", "OUT full", 2, []string{"--output_dir full: is not empty (notes.txt)"}},
	{"the model's own", "OUT model", 2, []string{"--output_dir model: is the folder of the model"}},
	{"a link to the model", "OUT alias", 2, []string{"--output_dir alias: is the folder of the model"}},
	{"a file", "OUT vocab.txt", 2, []string{"vocab.txt: is a file"}},
	{"below a file", "OUT vocab.txt/sub", 2, []string{"not a directory"}},
	{"a link to nowhere", "OUT dangling", 2, []string{"dangling: is a link to a folder that does not exist"}},
	{"a name that no system takes", "OUT new/parents/" + longName, 2, []string{"file name too long"}},
	{"an empty name", "OPTION --output_dir=", 2, []string{"--output_dir is given without a value"}},
	{"new parents, and bad data", "OUT new/parents/run --train_size 1000", 2, []string{"train.txt has 40 rows"}},
	{"new parents, and a run that diverges", "OUT new/parents/run --method adamw --learning_rate 1e30", 6, []string{"update 2: the loss is NaN for train.txt, line ", "in the tensor", "nothing is saved"}},
}}

var badNumbers = part{"Loss and gradients", true, func(f *badFiles) {
	f.set("tuned", "wild", "bert.embeddings.LayerNorm.weight", 0, 3e38)
}, []badInput{
	{"rate that is absurd", "OPTION --method cwgnc --learning_rate 1e30", 6, []string{"update 2: the loss is NaN", "all weights are finite, the largest, 1e+30, is in the tensor ", "nothing is saved"}},
	{"rate beyond float32", "OPTION --method cwgnc --learning_rate 1e39", 6, []string{"update 2: the loss is NaN", "the tensor bert.embeddings.word_embeddings.weight is not finite"}},
	{"the same in the last update", "OPTION --method adamw --learning_rate 1e39 --max_steps 1", 6, []string{"update 1: the model's answer to dev.txt, line 1, is NaN; the tensor bert."}},
	{"the same without evaluation", "OPTION --method adamw --learning_rate 1e39 --max_steps 1 --do_eval false", 6, []string{"update 1: element 0 of the tensor bert."}},
	{"PAC-tuning, rate of the noise", "OPTION --method pac --pac_k_samples 2 --pac_noise_learning_rate 1e30", 6, []string{"update 2: the loss is NaN", "is not finite with its noise; try a lower --learning_rate or --pac_noise_learning_rate"}},
	{"PAC-tuning, rate of the head", "OPTION --method pac --pac_k_samples 2 --head_learning_rate 1e30", 6, []string{"update 2: the loss is NaN", "the tensor classifier.weight is not finite with its noise"}},
	{"huge weight, in training", "MODEL wild --method pac --pac_k_samples 2", 6, []string{"K table", "NaN", "in the tensor bert.embeddings.LayerNorm.weight"}},
	{"huge weight, in evaluation", "evaluate wild dev.txt", 6, []string{"wild: the model's answer to dev.txt, line 1, is "}},
	{"unknown option", "OPTION --learning_rat 1e-4", 2, []string{"unknown option --learning_rat: did you mean --learning_rate?"}},
	{"negative rate", "OPTION --learning_rate -1e-5", 2, []string{`--learning_rate "-1e-5": expected 0 or a number above it`}},
}}
