package embedded

import (
	"embed"
	"io/fs"

	"pactune/train"
)

//go:embed encoder
var encoder embed.FS

// Encoder is the folder of the encoder, in Hugging Face's format, and read-only:
// a BertForMaskedLM, its tokeniser, README.md, LICENSE and NOTICE.
func Encoder() fs.FS { return sub(encoder, "encoder") }

// Default is the encoder as the model of a run that names other data.
func Default() *train.Builtin {
	return &train.Builtin{
		Model:    Encoder(),
		Encoding: "the encoder in the binary (2 layers of width 128, pretrained on Wikipedia and novels, CC BY-SA 4.0)",
	}
}

// Job is the job that runs when nothing is named: PAC-tuning of the encoder
// on the texts of this package.
func Job() *train.Builtin {
	b := Default()
	b.Name, b.Data, b.TrainFile, b.ValidationFile = "embedded", Files(), TrainFile, DevFile
	return b
}
