package train

import (
	"path/filepath"

	"pactune/asm"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/files"
	"pactune/internal/par"
	"pactune/internal/profile"
)

// prepare reads data and model and settles every setting.
func (r *run) prepare(pool *par.Pool) error {
	if err := r.readData(); err != nil {
		return err
	}
	checkpoint, tok, err := OpenModel(r.cfg, r.fsys)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	r.tok = tok
	if r.finish.Licence, err = ReadLicence(folderOf(checkpoint, r.fsys)); err != nil {
		return in(checkpoint.Path, err)
	}
	if err := r.readModel(checkpoint, pool); err != nil {
		return err
	}
	if err := r.describe(checkpoint, pool.Workers()); err != nil {
		return err
	}
	r.t.profile(r.clock)
	r.clock.Part(profile.Read)
	return nil
}

// readData reads the texts, and lets the recipe fill in what depends on them.
func (r *run) readData() error {
	c := r.cfg
	var err error
	if r.data, err = glue.Load(dataOptions(c, r.fsys)); err != nil {
		return err
	}
	if err := checkProblem(c, r.data); err != nil {
		return err
	}
	facts := r.facts()
	if err := c.Resolve(facts); err != nil {
		return err
	}
	for _, n := range c.remarks(facts) {
		r.note(n)
	}
	if r.fsys != nil && !c.Embedded() {
		r.note("model: the encoder in the binary, because none is named (--model_name_or_path)")
	}
	if !c.Embedded() { // of the builtin job nobody has to be told
		for _, choice := range r.data.Choices {
			r.note(choice.What + " (" + choice.Option + ")")
		}
	}
	for _, n := range r.data.Notes() {
		r.note(n)
	}
	for _, d := range r.data.Eval {
		d.MicroF1 = c.Compat == "authors" && c.TaskName == "qqp"
	}
	if c.ShuffleLabels {
		shuffleLabels(r.data.Train, c.Seed)
		r.note("the training labels are permuted (--shuffle_labels): the metric should end at the majority line")
	}
	return nil
}

// facts are what the recipe depends on.
func (r *run) facts() Facts {
	return Facts{Task: r.cfg.TaskName, TrainRows: len(r.data.Train.Examples), Regression: r.data.Problem == glue.Regression, Builtin: r.fsys != nil}
}

// forecasts declares the model, encodes the texts, and refuses a run that memory or
// disk cannot hold.
func (r *run) forecasts(checkpoint *bert.Checkpoint, pool *par.Pool) (*bert.Model, *glue.Encoded, error) {
	c, tok := r.cfg, r.tok
	model, err := newModel(c, checkpoint, r.data)
	if err != nil {
		return nil, nil, err
	}
	r.note(precisionNote(c))
	train := glue.Encode(r.data.Train, tok, c.MaxSeqLength, pool.Workers())
	r.evals = encodeAll(r.data.Eval, tok, c.MaxSeqLength, pool.Workers())
	r.tests = encodeAll(r.data.Test, tok, c.MaxSeqLength, pool.Workers())
	for _, e := range append(append([]*glue.Encoded{train}, r.evals...), r.tests...) {
		if err := checkEncoded(e, &model.Config, checkpoint.Path); err != nil {
			return nil, nil, err
		}
	}
	if err := r.checkMemory(model, train, pool.Workers()); err != nil {
		return nil, nil, err
	}
	return model, train, r.checkDisk(model, train)
}

// readModel loads the weights, once the run is known to fit.
func (r *run) readModel(checkpoint *bert.Checkpoint, pool *par.Pool) error {
	c := r.cfg
	model, train, err := r.forecasts(checkpoint, pool)
	if err != nil {
		return err
	}
	loaded, err := loadModel(c, checkpoint, model, r.data)
	if err != nil {
		return err
	}
	if r.fsys == nil { // what the encoder in the binary has and lacks, nobody has to be told
		r.note(LoadedNote(loaded))
	}
	r.note(truncationNote(train, c.MaxSeqLength))
	if r.t, err = newTrainer(c, model, train, pool); err != nil {
		return err
	}
	r.t.forward.tape.Reserve(r.memory.Dry, r.memory.Longest)
	return nil
}

// describe makes the plan, for the user and for the folder.
func (r *run) describe(checkpoint *bert.Checkpoint, threads int) error {
	c, t := r.cfg, r.t
	p := &Plan{
		Model: c.ModelNameOrPath, Task: r.data.Train.Name, Method: c.Method, Preset: c.Preset,
		TrainRows: t.data.Rows(), TrainTokens: len(t.data.IDs), LabelNames: r.data.LabelNames,
		Epochs: c.NumTrainEpochs, StepsPerEpoch: t.perEpoch, Batch: c.BatchSize * c.AccumulationSteps,
		Threads: threads, ISA: asm.Active().String(), Precision: c.Precision, Kernel: c.Kernel().String(), LogFirst: c.LoggingFirstStep,
		Memory: r.memory, MemoryLimit: r.limit, Disk: r.need,
	}
	p.Parameters, p.Trainable = t.model.Store.Len()
	p.Tensors = len(t.model.Store.Trainable())
	p.Steps, p.Stage1Steps = c.Steps(t.perEpoch)
	p.FreeGamma = c.PACGammaMin != c.PACGammaMax
	p.LogEvery, p.EvalEvery = c.LogEvery(p.Steps, t.perEpoch), c.EvalEvery(p.Steps, t.perEpoch)
	if r.fsys != nil {
		p.Model = r.fsys.Encoding
	}
	if c.Embedded() {
		p.Task = r.fsys.Name
	}
	if r.data.Problem == glue.Regression {
		p.LabelNames = nil
	}
	for _, e := range r.evals {
		p.EvalRows += e.Rows()
		p.EvalTokens += len(e.IDs)
	}
	if len(r.evals) > 0 {
		d := r.evals[0].Data
		p.MetricNames = d.Metrics()
		if report := d.Evaluate(d.Truth()); report != nil {
			p.Majority = majorityOf(d, report)
		}
	}
	r.plan, r.finish.Plan = p, p
	r.finish.Data = dataFilesOf(r.data, dataOptions(c, r.fsys).FS)
	if err := c.checkBest(p); err != nil {
		return err
	}
	origin := make(chan error, 1) // the weights and the file of a large model take a second together
	go func() { origin <- r.describeOrigin() }()
	r.finish.Model = ModelFile{Path: p.Model}
	if r.fsys == nil {
		w, _ := files.Hash(files.OS, filepath.Join(checkpoint.Path, "model.safetensors"))
		r.finish.Model = ModelFile{checkpoint.Path, w.SHA256} // which has the commit of a name in the cache
	}
	return <-origin
}
