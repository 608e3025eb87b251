// Package embedded holds the data that the command trains on when it is given
// none: 1,000 short tips, each for the kitchen or for the garden, in a training
// and a development part, and a WordPiece vocabulary in which to read them.
//
// The texts were written for this project. Both classes speak of the same
// things: soil is dug and washed off leeks, dough rises and clay feels like
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
// The vocabulary is in the form of BERT's uncased models: the five special
// tokens, the printable ASCII characters, the words that occur twice in the
// training part, common English words, and pieces. It splits every ASCII text
// into known pieces.
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
	VocabFile = "vocab.txt" // one token a line; its id is the line's number from 0
)

// The labels of the texts; as text they sort in this order.
const (
	Garden  = "garden"
	Kitchen = "kitchen"
)

//go:embed data/train.txt data/dev.txt data/vocab.txt
var data embed.FS

// Files is the read-only file system that holds TrainFile, DevFile and
// VocabFile in its root.
func Files() fs.FS {
	root, err := fs.Sub(data, "data")
	if err != nil {
		panic("embedded: " + err.Error()) // "data" is a valid path
	}
	return root
}

// Train is the content of TrainFile; the caller may change it.
func Train() []byte { return read(TrainFile) }

// Dev is the content of DevFile; the caller may change it.
func Dev() []byte { return read(DevFile) }

// Vocab is the content of VocabFile; the caller may change it.
func Vocab() []byte { return read(VocabFile) }

func read(name string) []byte {
	b, err := data.ReadFile("data/" + name)
	if err != nil {
		panic("embedded: " + err.Error()) // the compiler put the file there
	}
	return b
}
