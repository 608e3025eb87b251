//go:build unix

package main

import (
	"math"
	"strings"
)

var moreBadData = part{"More about data", false, func(f *badFiles) {
	f.write("header.csv", "text,label\n")
	f.write("blank.txt", "\n\r\n\n")
	f.write("spaces.txt", "  \tgarden\n \tkitchen\n")
	f.write("nul.txt", "red roses\tgarden\na p\x00n\tkitchen\n")
	f.write("utf16.csv", "\xff\xfet\x00e\x00")
	f.write("mac.csv", "text,label\rred roses,garden\ra pan,kitchen\r")
	f.write("twice.csv", "text,text,label\na,b,garden\nc,d,kitchen\n")
	f.write("open.csv", "text,label\n\"red roses,garden\na pan,kitchen\n")
	f.write("semicolon.csv", "text;label\nred roses;garden\na pan;kitchen\n")
	f.write("class.csv", "text,class\nred roses,garden\na pan,kitchen\n")
	f.write("onerow.csv", "text,label\nred roses,garden\n")
	f.write("tworows.csv", "text,label\nred roses,garden\na pan,kitchen\n")
	f.write("half.jsonl", "{\"text\": \"red roses\", \"label\": 1}\n{\"text\": \"a pan\", \"la\n")
	f.write("list.json", "[{\"text\": \"red roses\", \"label\": 1}]")
	f.write("deep.jsonl", "{\"text\": "+strings.Repeat("[", 20000)+"\n")
	f.write("mixed.jsonl", "{\"text\": \"red roses\", \"label\": 1}\n{\"text\": \"a pan\", \"label\": \"x\"}\n")
	f.write("number.jsonl", "{\"text\": 5, \"label\": 1}\n")
	f.write("minus.csv", "text,label\nred roses,1\na pan,-1\n")
	f.write("scores.csv", "text,label\nred roses,1.5\na pan,2.5\n")
	f.write("nan.csv", "text,label\nred roses,1.5\na pan,nan\n")
	f.write("big.csv", "text,label\nred roses,1.5\na pan,1e300\n")
	f.mkdir("folder.txt")
	f.pipe("pipe.txt")
	f.link("/dev/zero", "zero.txt")
	f.link("loop.txt", "loop.txt")
	f.write("refused.csv", "text,label\nred roses,garden\na pan\n")
	f.write("five.jsonl", "{\"text\": 5}\n")
	f.write("data.xlsx", "PK")
	f.write("bad.txt", "fine\ncaf\xe9\n")
	f.write("bad.jsonl", "{\"title\": \"fine\"}\n")
}, []badInput{
	{"header only", "TRAIN --train_file header.csv", 3, []string{"no rows besides the header"}},
	{"blank lines only", "TRAIN --train_file blank.txt", 3, []string{"the file is empty"}},
	{"white space for a text", "TRAIN --train_file spaces.txt", 3, []string{"line 1", "empty text"}},
	{"NUL in a text", "TRAIN --train_file nul.txt", 3, []string{"line 2", "NUL"}},
	{"UTF-16", "TRAIN --train_file utf16.csv", 3, []string{"UTF-16", "iconv"}},
	{"carriage returns alone", "TRAIN --train_file mac.csv", 3, []string{"carriage returns"}},
	{"column named twice", "TRAIN --train_file twice.csv", 3, []string{"line 1", `"text" twice`}},
	{"quote that does not end", "TRAIN --train_file open.csv", 3, []string{"line 2", "quote"}},
	{"semicolons", "TRAIN --train_file semicolon.csv", 3, []string{"expected columns separated by commas"}},
	{"no column of labels", "TRAIN --train_file class.csv", 3, []string{`found "text", "class"`, "--label_column_name"}},
	{"unknown column of text", "TRAIN --train_file class.csv --label_column_name class --text_column_names body", 3, []string{`no column "body"`, "--text_column_names"}},
	{"one row", "train onerow.csv --model_name_or_path model", 3, []string{"one class only"}},
	{"too few rows to hold some out", "train tworows.csv --model_name_or_path model", 3, []string{"2 rows, no two of one class", "--validation_file"}},
	{"half a JSON object", "TRAIN --train_file half.jsonl", 3, []string{"line 2", "not a JSON object"}},
	{"JSON list", "TRAIN --train_file list.json", 3, []string{"line 1", "jq -c"}},
	{"JSON without a bottom", "TRAIN --train_file deep.jsonl", 3, []string{"line 1", "depth"}},
	{"labels of two types", "TRAIN --train_file mixed.jsonl", 3, []string{"line 2", "line 1 has a number"}},
	{"number for a text", "TRAIN --train_file number.jsonl", 3, []string{"line 1", "holds a number"}},
	{"label −1", "TRAIN --train_file minus.csv", 3, []string{"line 3", "no label"}},
	{"NaN for a score", "TRAIN --train_file nan.csv", 3, []string{"line 3", "finite number"}},
	{"score beyond float32", "TRAIN --train_file big.csv", 3, []string{"line 3", "1e300", "1e+18"}},
	{"PAC-tuning of scores", "train scores.csv --validation_file scores.csv --model_name_or_path model --method pac", 2, []string{"classification only"}},
	{"folder for a file", "TRAIN --train_file folder.txt", 3, []string{"folder.txt: is a folder"}},
	{"pipe", "TRAIN --train_file pipe.txt", 3, []string{"pipe.txt: is a pipe"}},
	{"endless device", "TRAIN --train_file zero.txt", 3, []string{"zero.txt: is a device"}},
	{"link to itself", "TRAIN --train_file loop.txt", 3, []string{"loop.txt", "symbolic links"}},
	{"folder without an extension", "TRAIN --train_file model", 3, []string{"model: is a folder"}},
	{"no known extension", "TRAIN --train_file data.xlsx", 2, []string{"no known format"}},
	{"training data named twice", "TRAIN train.txt --train_file dev.txt", 2, []string{"named twice"}},
	{"task and own files", "TRAIN --task_name rte --data_dir .", 2, []string{"dev.txt", "--task_name"}},
	{"folder without the task", "train --model_name_or_path model --task_name rte --data_dir .", 3, []string{"train.tsv"}},
	{"evaluation of other labels", "evaluate tuned attic.txt", 3, []string{"attic.txt: line 2", `"attic", which the model has not learned`}},
	{"prediction of a folder", "predict tuned full", 3, []string{"full: is a folder"}},
	{"prediction of a missing file", "predict tuned none.txt", 3, []string{"none.txt: no such file"}},
	{"prediction of a JSON line without a text", "predict tuned bad.jsonl", 3, []string{"line 1", `found no text under the keys "title"`}},
	{"prediction of a JSON line with a number for a text", "predict tuned five.jsonl", 3, []string{"five.jsonl: line 1", `"text" is a JSON number, expected a string`}},
	{"a look at one class and a row without label", "debug-data refused.csv", 3, []string{"one class only", "rows refused before: 1", "refused.csv: line 3"}},
}}

var moreBadModels = part{"More about models", false, func(f *badFiles) {
	f.mkdir("hollow")
	f.copyModel("model", "pickled")
	f.must(renameFile(f, "pickled/model.safetensors", "pickled/pytorch_model.bin"))
	f.replace("short", "model.safetensors", "1234")
	f.replace("page", "model.safetensors", "<!DOCTYPE html><html></html>")
	f.copyModel("model", "pipe")
	f.remove("pipe/model.safetensors")
	f.pipe("pipe/model.safetensors")
	f.copyModel("model", "parts")
	f.remove("parts/model.safetensors")
	f.write("parts/model.safetensors.index.json", `{"weight_map": {"a": "../model/model.safetensors"}}`)
	f.copyModel("model", "lost")
	f.remove("lost/model.safetensors")
	f.write("lost/model.safetensors.index.json", `{"weight_map": {"a": "model-1.safetensors"}}`)
	f.replace("cutconfig", "config.json", `{"model_type": "bert",`)
	f.replace("noconfig", "config.json", `{}`)
	f.config("words", map[string]any{"hidden_size": "128"})
	f.config("roberta", map[string]any{"model_type": "roberta"})
	f.config("act", map[string]any{"hidden_act": "mish"})
	f.config("heads", map[string]any{"num_attention_heads": 3})
	f.config("billions", map[string]any{"hidden_size": 1 << 31})
	f.config("tera", map[string]any{"hidden_size": 16384, "num_hidden_layers": 1024, "intermediate_size": 131072})
	f.config("problem", map[string]any{"problem_type": "ranking"})
	f.vocabulary("novocab", "")
	f.copyModel("model", "notok")
	f.remove("notok/vocab.txt")
	f.remove("notok/tokenizer.json")
	vocab := string(f.read("vocab.txt"))
	f.vocabulary("doubled", strings.Replace(vocab, "\n##s\n", "\nthe\n", 1))
	f.vocabulary("latinvocab", strings.Replace(vocab, "\nthe\n", "\nth\xe9\n", 1))
	f.edit("model", "bpe", "tokenizer.json", func(o map[string]any) { o["model"].(map[string]any)["type"] = "BPE" })
	f.edit("model", "bytelevel", "tokenizer.json", func(o map[string]any) { o["pre_tokenizer"] = map[string]any{"type": "ByteLevel"} })
	f.replace("cuttok", "tokenizer.json", "{")
	f.cut("onetype", "embeddings.token_type_embeddings.weight", 1, map[string]any{"type_vocab_size": 1})
	f.write("pairs.txt", "a\tb\tx\nc\td\ty\n")
	f.write("three.txt", "a\tx\nb\ty\nc\tz\n")
	f.edit("tuned", "onelabel", "config.json", func(c map[string]any) { c["id2label"] = map[string]any{"0": "garden"} })
	f.edit("tuned", "nolabels", "config.json", func(c map[string]any) { delete(c, "id2label") })
	f.set("tuned", "tunednan", "classifier.bias", 1, float32(math.NaN()))
}, []badInput{
	{"name of a hub", "MODEL google-bert/bert-base-uncased", 4, []string{"no such folder", "the cache cache does not hold the model", "pactune download google-bert/bert-base-uncased", "https://huggingface.co/google-bert/bert-base-uncased/resolve/main/model.safetensors"}},
	{"file for a folder", "MODEL model/config.json", 4, []string{"is a file; expected the folder"}},
	{"empty folder", "MODEL hollow", 4, []string{"hollow/config.json: no such file"}},
	{"only a pytorch_model.bin, not of torch.save", "MODEL pickled", 4, []string{"pickled/pytorch_model.bin: byte 0", "torch.save"}},
	{"four bytes", "MODEL short", 4, []string{"found 4 bytes"}},
	{"a web page", "MODEL page", 4, []string{"no safetensors file"}},
	{"a pipe", "MODEL pipe", 4, []string{"pipe/model.safetensors", "expected a file"}},
	{"part out of the folder", "MODEL parts", 4, []string{"model.safetensors.index.json", "expected a plain name"}},
	{"part that is not there", "MODEL lost", 4, []string{"lost/model-1.safetensors", "cannot be opened"}},
	{"half a config.json", "MODEL cutconfig", 4, []string{"cutconfig/config.json"}},
	{"empty config.json", "MODEL noconfig", 4, []string{"vocab_size is 0"}},
	{"text for a number", "MODEL words", 4, []string{"hidden_size"}},
	{"another kind of model", "MODEL roberta", 4, []string{`model_type is "roberta"`}},
	{"unknown activation", "MODEL act", 4, []string{`hidden_act is "mish"`}},
	{"heads that do not divide", "MODEL heads", 4, []string{"hidden_size 128 is not a multiple of num_attention_heads 3"}},
	{"hidden_size 2³¹", "MODEL billions", 4, []string{"hidden_size is 2147483648, expected 1 to 16384"}},
	{"terabytes", "MODEL tera", 4, []string{"tera/model.safetensors", "[1618 16384]"}},
	{"unknown problem_type", "MODEL problem", 4, []string{`problem_type is "ranking"`}},
	{"empty vocabulary", "MODEL novocab", 4, []string{"novocab: vocab.txt: the file is empty"}},
	{"no vocabulary", "MODEL notok", 4, []string{"notok: no vocabulary found"}},
	{"token twice in the vocabulary", "MODEL doubled", 4, []string{`"the" stands there twice`}},
	{"vocabulary in Latin-1", "MODEL latinvocab", 4, []string{"not valid UTF-8"}},
	{"tokenizer.json of byte pairs", "MODEL bpe", 4, []string{"bpe: tokenizer.json", `found type "BPE"`}},
	{"tokenizer.json of bytes", "MODEL bytelevel", 4, []string{`found type "ByteLevel"`}},
	{"half a tokenizer.json", "MODEL cuttok", 4, []string{"cuttok: tokenizer.json"}},
	{"missing tokeniser", "MODEL model --tokenizer_name none", 4, []string{"--tokenizer_name none: no such"}},
	{"pairs for a model of single texts", "train pairs.txt --validation_file pairs.txt --method cwgnc --model_name_or_path onetype", 4, []string{"type_vocab_size of config.json is 1", "pairs.txt, line 1"}},
	{"classifier of another width", "train three.txt --validation_file three.txt --method cwgnc --model_name_or_path tuned", 4, []string{"2 labels, the data have 3", "--ignore_mismatched_sizes"}},
	{"evaluation of an encoder", "evaluate model dev.txt", 4, []string{"model: holds an encoder without a classifier"}},
	{"too few names of labels", "evaluate onelabel dev.txt", 4, []string{"id2label of config.json names 1 label, the classifier has 2"}},
	{"no names of labels", "evaluate nolabels dev.txt", 4, []string{"no id2label"}},
	{"evaluation with NaN", "evaluate tunednan dev.txt", 6, []string{"classifier.bias: element 1 is NaN"}},
	{"prediction with NaN", "predict tunednan dev.txt", 4, []string{"classifier.bias: element 1 is NaN"}},
	{"init: missing vocabulary", "init --vocab none.txt new/model", 4, []string{"none.txt: no such file"}},
	{"init: no vocabulary", "init --vocab dev.txt new/model", 4, []string{`lacks "[UNK]"`}},
	{"init: folder that is not empty", "init --vocab vocab.txt model", 2, []string{"model: is not empty"}},
}}

var moreBadOptions = part{"More about options", false, func(f *badFiles) {
	f.write("bad.json", `{"learning_rate": -1}`)
	f.write("other.json", `{"learning_rat": 1}`)
}, []badInput{
	{"unknown command", "trian", 2, []string{"did you mean pactune train?"}},
	{"no value", "OPTION --seed", 2, []string{"--seed needs a value"}},
	{"no number", "OPTION --learning_rate fast", 2, []string{`"fast": expected`}},
	{"NaN for a rate", "OPTION --learning_rate nan", 2, []string{`"nan": expected`}},
	{"dropout 1", "OPTION --dropout 1", 2, []string{"below 1"}},
	{"batch 0", "OPTION --per_device_train_batch_size 0", 2, []string{"from 1 up"}},
	{"batch 2⁶³ − 1", "OPTION --per_device_train_batch_size 9223372036854775807", 2, []string{"at most 2147483647"}},
	{"1e300 epochs", "OPTION --num_train_epochs 1e300", 2, []string{"at most 1e6"}},
	{"memory without a number", "OPTION --max_memory lots", 2, []string{`"lots": expected`, "12GiB"}},
	{"profile without a place", "OPTION --cpuprofile none/cpu.prof", 2, []string{"--cpuprofile none/cpu.prof", "no file can be written there"}},
	{"a million threads", "OPTION --threads 1000000", 2, []string{"from 0 to 1024"}},
	{"gamma beyond float64", "OPTION --method pac --pac_gamma 1e308", 2, []string{"from 0 to 1e12"}},
	{"epsilon that float32 has not", "OPTION --adam_epsilon 1e-300", 2, []string{"from 1e-37 up"}},
	{"longer than the positions", "OPTION --max_seq_length 513", 2, []string{"expected at most 512"}},
	{"shorter than the special tokens", "OPTION --max_seq_length 2", 2, []string{"from 3 up"}},
	{"a preset of another method", "OPTION --method cwgnc --preset paper", 2, []string{"belongs to PAC-tuning"}},
	{"fp16", "OPTION --fp16", 2, []string{"loss scaling", "--precision bf16"}},
	{"precision that is none", "OPTION --precision int8", 2, []string{"one of f32, bf16"}},
	{"code of others", "OPTION --trust_remote_code", 2, []string{"never run"}},
	{"no data", "train --model_name_or_path model", 2, []string{"no training data"}},
	{"file of options, bad value", "train bad.json", 2, []string{"bad.json: --learning_rate"}},
	{"file of options, unknown name", "train other.json", 2, []string{"other.json: unknown option", "did you mean --learning_rate?"}},
	{"missing file of options", "train none.json", 3, []string{"none.json: no such file"}},
	{"evaluation of two files", "evaluate tuned dev.txt train.txt", 2, []string{`"train.txt"`}},
	{"prediction of a table", "predict tuned class.csv", 2, []string{"not tables"}},
	{"negative length", "predict tuned dev.txt --max_seq_length -1", 2, []string{"from 0 up"}},
}}
