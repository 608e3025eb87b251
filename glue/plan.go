package glue

import "pactune/internal/rng"

// Plan is the order in which a run visits its training rows. It is a pure
// function of its fields: update s of a resumed run sees the rows that it
// would have seen.
//
// As in the Hugging Face Trainer an update takes Batch·Accumulation examples,
// in micro-batches of Batch; the last update of an epoch takes what is left,
// and its last micro-batch may be short.
type Plan struct {
	Examples     int    // rows of the training set
	Batch        int    // per_device_train_batch_size
	Accumulation int    // gradient_accumulation_steps
	Shuffle      bool   // a new order every epoch; else the order of the file
	Seed         uint64 // of the order

	order []int32
	epoch int // of order, counted from 1; 0: none yet
}

// Steps is ⌈Examples / (Batch·Accumulation)⌉, the number of updates of an
// epoch.
func (p *Plan) Steps() int {
	n := p.perStep()
	return (p.Examples + n - 1) / n
}

func (p *Plan) perStep() int { return p.Batch * p.Accumulation }

// Rows returns the rows of update step, counted from 0 over the whole run.
// The slice is valid until a step of another epoch is asked for.
func (p *Plan) Rows(step int) []int32 {
	p.begin(step/p.Steps() + 1)
	start := step % p.Steps() * p.perStep()
	return p.order[start:min(start+p.perStep(), p.Examples)]
}

// Micros is the number of micro-batches of update step.
func (p *Plan) Micros(step int) int {
	return (len(p.Rows(step)) + p.Batch - 1) / p.Batch
}

// Micro returns the rows of micro-batch i of update step.
func (p *Plan) Micro(step, i int) []int32 {
	rows := p.Rows(step)
	return rows[i*p.Batch : min((i+1)*p.Batch, len(rows))]
}

// begin makes order the one of an epoch.
func (p *Plan) begin(epoch int) {
	if p.epoch == epoch {
		return
	}
	if p.order == nil {
		p.order = make([]int32, p.Examples)
		for i := range p.order {
			p.order[i] = int32(i)
		}
	}
	if p.Shuffle {
		rng.NewKey(p.Seed, rng.StreamShuffle, uint64(epoch-1)).Perm(p.order)
	}
	p.epoch = epoch
}
