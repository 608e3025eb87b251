//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
)

var badFormats = part{"Formats of data", false, func(f *badFiles) {
	tips, err := os.ReadFile(filepath.Join("testdata", "tips.parquet"))
	f.must(err)
	f.write("tips.parquet", string(tips))
	f.write("cut.parquet", string(tips[:len(tips)/2]))
	f.write("flipped.parquet", strings.Replace(string(tips), "label", "la\xffel", 1))
	f.write("table.parquet", "text,label\nred roses,garden\n")
	f.write("untagged.ft", "__label__garden red roses\n__label__kitchen a pan\na trunk\n")
	f.write("empty.ft", "__label__garden red roses\n__label__kitchen\n")
	f.write("several.ft", "__label__garden __label__kitchen red roses\n")
	f.write("inside.txt", "a pan\tkitchen\nred roses\tgarden\ra lid\tkitchen\n")
	f.write("long.txt", "a pan\tkitchen\n"+strings.Repeat("lid ", 5<<18)+"\n")
	f.write("columns.csv", "text,label\nred roses,garden\n"+strings.Repeat("a,", 1e6)+"\n")
	f.write("space.txt", "red roses\tgar den\n")
	f.write("slip.csv", "text,label\n"+strings.Repeat("a pan,3.5\na rose,4\n", 15)+"a lid,4.o\n")
	f.write("minusdev.csv", "text,label\nred roses,-1\n")
	f.write("twokeys.jsonl", "{\"text\": \"a\", \"label\": 1, \"text\": \"b\"}\n")
	f.write("quotes.csv", "text,label\nred \"roses\",garden\na pan,kitchen\n")
	f.write("later.csv", "text,label\n\"red\nroses\",garden\na pan,kitchen,now\n")
	f.write("date.jsonl", "{\"text\": \"a\", \"label\": {\"name\": \"garden\"}}\n")
}, []badInput{
	{"Parquet cut short", "TRAIN --train_file cut.parquet", 3, []string{"cut.parquet: does not begin and end with PAR1"}},
	{"Parquet whose names differ", "TRAIN --train_file flipped.parquet", 3, []string{"flipped.parquet: "}},
	{"another file named Parquet", "TRAIN --train_file table.parquet", 3, []string{"table.parquet: does not begin and end with PAR1"}},
	{"unknown column of Parquet", "TRAIN --train_file tips.parquet --label_column_name class", 3, []string{`no column "class"`, `"text", "label"`}},
	{"fastText without a label", "TRAIN --train_file untagged.ft", 3, []string{"untagged.ft: line 3", "no word begins with __label__"}},
	{"fastText without a text", "TRAIN --train_file empty.ft", 3, []string{"empty.ft: line 2", "empty text"}},
	{"several labels for one class", "train train.txt --model_name_or_path model --validation_file several.ft", 3, []string{"several.ft: line 1: found 2 labels", "expected one class"}},
	{"a carriage return inside", "TRAIN --train_file inside.txt", 3, []string{"inside.txt: line 2: found 3 columns"}},
	{"a line of 5 MB without label", "TRAIN --train_file long.txt", 3, []string{"long.txt: line 2: found 1 column"}},
	{"a million columns", "TRAIN --train_file columns.csv", 3, []string{"columns.csv: line 3: found 1000001 columns, expected 2"}},
	{"a label with a space", "train train.txt --model_name_or_path model --validation_file space.txt", 3, []string{`space.txt: line 1: found the label "gar den"`}},
	{"label −1 in dev", "train train.txt --model_name_or_path model --validation_file minusdev.csv", 3, []string{`minusdev.csv: line 2: found the label "-1"`}},
	{"a score with a slip", "TRAIN --train_file slip.csv", 3, []string{`slip.csv: line 32: the label "4.o" is no number, while 30 of 31 are`}},
	{"key twice", "TRAIN --train_file twokeys.jsonl", 3, []string{"twokeys.jsonl: line 1", "twice"}},
	{"bare quotes", "TRAIN --train_file quotes.csv", 3, []string{"quotes.csv: line 2", `bare "`}},
	{"too many columns after a text of two lines", "TRAIN --train_file later.csv", 3, []string{"later.csv: line 4: found 3 columns"}},
	{"an object for a label", "TRAIN --train_file date.jsonl", 3, []string{"date.jsonl: line 1: the label is an object"}},
	{"nothing in the standard input", "TRAIN -", 3, []string{"standard input: the file is empty"}},
	{"the standard input twice", "train - --validation_file - --model_name_or_path model", 2, []string{"the standard input, which can be read once"}},
	{"lists for one class", "TRAIN --train_file several.ft --problem_type regression", 3, []string{"several.ft: line 1", "expected a number"}},
	{"debug-data without data", "debug-data", 2, []string{"no training data"}},
	{"debug-data of a missing file", "debug-data none.csv", 3, []string{"none.csv: no such file"}},
	{"debug-data of two files", "debug-data train.txt dev.txt", 2, []string{"--validation_file"}},
}}
