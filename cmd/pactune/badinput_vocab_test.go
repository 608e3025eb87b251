//go:build unix

package main

var badVocabularies = part{"Learning a vocabulary", true, func(f *badFiles) {
	f.write("white.txt", " \n\t\n")
	f.write("plain.gz", "no gzip\n")
	f.write("cut.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xcb\x48")
	f.mkdir("texts")
	f.mkdir("some")
	f.write("some/notes.txt", "x")
}, []badInput{
	{"no text", "vocab --out new/vocab", 2, []string{"vocab needs a text"}},
	{"no folder", "vocab train.txt", 2, []string{"--out is missing"}},
	{"missing text", "vocab train.txt none.txt --out new/vocab", 3, []string{"none.txt: no such file"}},
	{"folder for a text", "vocab texts --out new/vocab", 3, []string{"texts: is a folder"}},
	{"text without words", "vocab white.txt --out new/vocab", 3, []string{"white.txt: found no words"}},
	{"nothing on the standard input", "vocab - --out new/vocab", 3, []string{"-: found no words"}},
	{"text with the name of a packed one", "vocab plain.gz --out new/vocab", 3, []string{"plain.gz: damaged behind 0 bytes"}},
	{"packed text that is cut short", "vocab train.txt cut.gz --out new/vocab", 3, []string{"cut.gz: damaged behind "}},
	{"size below the characters", "vocab train.txt --size 40 --out new/vocab", 2, []string{"--size 40: 5 special tokens", "take a larger size"}},
	{"size that is none", "vocab train.txt --size 8k --out new/vocab", 2, []string{`--size "8k": expected`}},
	{"unknown option of vocab", "vocab train.txt --limit_alphabt 800 --out new/vocab", 2, []string{"did you mean --limit_alphabet?"}},
	{"folder that is not empty", "vocab train.txt --out some", 2, []string{"some: is not empty (notes.txt)"}},
	{"file for the folder", "vocab train.txt --out vocab.txt", 2, []string{"vocab.txt: is a file"}},
	{"folder below a file", "vocab train.txt --out vocab.txt/sub", 2, []string{"not a directory"}},
}}
