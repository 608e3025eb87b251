// Package embedded holds what the command works with when it is given nothing: an
// encoder that has read, and 1,000 labelled texts for it to be fine-tuned on.
//
// The encoder is a small BERT of 2 layers of width 128 over 8,000 word pieces,
// pretrained by pactune pretrain on Wikipedia and novels; encoder/README.md is its
// card. It is under a licence of its own, in the files LICENSE and NOTICE beside it.
//
// The texts are short tips, each for the kitchen or for the garden, in a training
// and a development part. They were written for this project. Both classes speak of
// the same things: soil is dug and washed off leeks, dough rises and clay feels like
// dough, birds are roasted and fed. Words lean to one side, none decides:
//
//   - every class has half of each part, so the majority line is 50 %;
//   - a word that occurs in five texts or more occurs in both classes, and at
//     most five in six of these texts are of one class;
//   - the best rule "has this word" is right for fewer than 60 % of the texts;
//   - no text of one part is in the other, nor one that shares most of its words.
//
// A naive Bayes classifier on the words reaches 78 % on the development part:
// what the words tell when each is weighed alone. The tests measure all this.
//
// Only the command imports this package: a program that uses the libraries
// does not carry the data.
package embedded

import (
	"embed"
	"io/fs"
)

// Names of the files in Files.
const (
	TrainFile = "train.txt" // 750 lines "text<TAB>label", no header
	DevFile   = "dev.txt"   // 250 lines of the same form
)

// The labels of the texts; as text they sort in this order.
const (
	Garden  = "garden"
	Kitchen = "kitchen"
)

//go:embed data/train.txt data/dev.txt
var data embed.FS

// Files is the read-only file system that holds TrainFile and DevFile in its root.
func Files() fs.FS { return sub(data, "data") }

func sub(fsys fs.FS, folder string) fs.FS {
	root, err := fs.Sub(fsys, folder)
	if err != nil {
		panic("embedded: " + err.Error()) // the names of the folders are valid paths
	}
	return root
}

// Train is the content of TrainFile; the caller may change it.
func Train() []byte { return read(TrainFile) }

// Dev is the content of DevFile; the caller may change it.
func Dev() []byte { return read(DevFile) }

func read(name string) []byte {
	b, err := data.ReadFile("data/" + name)
	if err != nil {
		panic("embedded: " + err.Error()) // the compiler put the file there
	}
	return b
}
