package train

import "pactune/internal/par"

// Outlook is what can be said of a run before it starts.
type Outlook struct {
	Memory Memory
	Limit  int64 // bytes that the process may use, 0 when that is not known
	Disk   Disk
	Data   []DataFile

	Facts                 Facts  // that settle the settings of this run and of its other seeds
	Model                 string // its folder, or what it is
	Parameters, Trainable int
}

// LookAhead settles the settings, reads the data and the model's description, and
// forecasts what Run would take, without a folder and without the weights. Its
// errors are those of Run.
func LookAhead(cfg *Config, b *Builtin) (*Outlook, error) {
	r := &run{cfg: cfg, fsys: b}
	pool := par.New(Threads(cfg.Threads))
	defer pool.Close()
	if err := r.readData(); err != nil {
		return nil, err
	}
	checkpoint, tok, err := OpenModel(cfg, b)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	r.tok = tok
	model, _, err := r.forecasts(checkpoint, pool)
	if err != nil {
		return nil, err
	}
	o := &Outlook{Memory: r.memory, Limit: r.limit, Disk: r.need, Data: dataFilesOf(r.data, dataOptions(cfg, b).FS), Facts: r.facts(), Model: checkpoint.Path}
	if b != nil {
		o.Model = b.Encoding
	}
	o.Parameters, o.Trainable = model.Store.Len()
	return o, nil
}
