package train

import (
	"io/fs"
	"os"

	"pactune/glue"
	"pactune/hub"
	"pactune/internal/par"
)

// Inspect looks at the data that cfg names before anything is trained on them:
// every part that is there, and every row that would be refused. The tokeniser
// is that of cfg's model; model is the folder that stands in for it where cfg
// names none.
func Inspect(cfg *Config, model fs.FS) (*glue.Inspection, error) {
	o := dataOptions(cfg, nil)
	if err := o.Present(); err != nil {
		return nil, err
	}
	path := "the encoder in the binary"
	if cfg.ModelNameOrPath != "" {
		var err error
		if path, err = hub.Folder(cfg.ModelNameOrPath, cfg.ModelRevision, cfg.CacheDir, hub.Model); err != nil {
			return nil, err
		}
		model = os.DirFS(path)
	}
	tok, err := openTokenizer(cfg, model, path)
	if err != nil {
		return nil, err
	}
	pool := par.New(Threads(cfg.Threads))
	defer pool.Close()
	special := make([]bool, tok.VocabSize())
	for id := range special {
		special[id] = tok.IsSpecial(int32(id))
	}
	return glue.Inspect(o, tok, func(id int32) bool { return special[id] }, tok.Specials().Unknown, cfg.MaxSeqLength, pool.Workers())
}
