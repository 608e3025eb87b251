package train

import (
	"fmt"
	"strings"

	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/plural"
	"pactune/internal/rng"
	"pactune/pac"
	"pactune/tensor"
)

// Memory is what a run holds at the moment when it holds most, in bytes. The
// moment is the start of the backward pass of the largest micro-batch: nothing
// is given back before the end of PAC-tuning's first stage.
type Memory struct {
	Process     int64 // program, runtime, vocabulary, texts and tokens: what is there before the weights are read
	Weights     int64
	Gradients   int64 // of what trains
	Moments     int64 // AdamW's two, of what trains
	Noise       int64 // PAC-tuning: log-stds and their two moments, initial weights, noisy copy
	Activations int64 // values and gradients of a pass: the arena
	Buffers     int64 // packed operands, batches, results of evaluations

	Reading int64 // the most that was held before, while the data were read

	LongestBatch int // tokens in the largest micro-batch
	Longest      int // tokens in the longest example

	Dry *autograd.Tape // went through the passes to find this
}

// Total is the sum of the parts, or what reading the data took where that was
// more.
func (m Memory) Total() int64 {
	return max(m.Reading, m.Process+m.Weights+m.Gradients+m.Moments+m.Noise+m.Activations+m.Buffers)
}

// parts names the parts for run.json.
func (m Memory) parts() map[string]any {
	return map[string]any{"process": m.Process, "weights": m.Weights, "gradients": m.Gradients, "moments": m.Moments,
		"noise": m.Noise, "activations": m.Activations, "buffers": m.Buffers, "reading": m.Reading}
}

// Measured, in bytes: what a process grows by at the first use of code, stacks
// and the heap's own tables; what writing the tokeniser takes a token.
const (
	settling   = 2 << 20
	vocabEntry = 300
)

// forecast computes what a run will hold, before any of it is allocated. With F
// bytes an element, W weights in all and T that train:
//
//	Weights      F·W, and F·T for w0 where layers are unfrozen
//	Gradients    F·T
//	Moments      2·F·T
//	Noise        5·F·T, per tensor 2·F·T: w0, the noisy copy, and p with its moments
//	Activations  what a dry run takes: the same code on a tape that computes
//	             nothing goes through the largest micro-batch, the K table's and
//	             the evaluation's largest batch
//	Buffers      of the same dry run; 3·L² elements a worker for attention over
//	             L tokens; 16 bytes a token of the largest batch; some 200 bytes
//	             an evaluated row, 80 a row of the K table, and vocabEntry a token
//	             of the vocabulary while it is written
//
// process is what the process holds at the time, once what reading the data left
// behind is given back; settling is added to it. m needs no memory yet: zeroed
// where the heap was in use before, it would be resident and be counted twice.
func forecast(c *Config, m *bert.Model, train *glue.Encoded, evals []*glue.Encoded, process int64, workers int) Memory {
	const f = int64(tensor.FloatBytes)
	all, trained := m.Store.Len()
	w, t := f*int64(all), f*int64(trained)
	out := Memory{Process: process + settling, Weights: w, Gradients: t, Moments: 2 * t}
	if c.unfreezes() {
		out.Weights += t
	}
	tape, err := c.NewTape(par.Dry(workers))
	if err != nil {
		return Memory{} // the trainer tells of it
	}
	p := forward{model: m, tape: tape}
	pass := func(e *glue.Encoded, rows []int32) {
		p.run(e, largest(e, rows, c.EvalBatchSize), false, bert.Dropout{})
	}
	if c.PAC() {
		out.Noise = 5 * t
		if c.PACGranularity == string(pac.PerTensor) {
			out.Noise = 2 * t
		}
		k := c.kRows(train.Rows())
		pass(train, k)
		out.Buffers += 80 * int64(len(k))
	}
	p.loss(train.Data.Problem, p.run(train, largestMicro(c, train), true, c.Rates(m)), 1)
	p.tape.Backward()
	out.LongestBatch = len(p.batch.IDs)
	longest := train.Lengths().Max
	for _, e := range evals {
		pass(e, every(e.Rows()))
		longest = max(longest, e.Lengths().Max)
		out.Buffers += 200 * int64(e.Rows())
	}
	out.Longest, out.Dry = longest, tape
	arena, _ := p.tape.Bytes()
	out.Activations = int64(arena)
	out.Buffers += int64(p.tape.Work()) + 3*f*int64(workers*longest*longest) + 16*int64(cap(p.batch.IDs)) +
		vocabEntry*int64(m.Config.VocabSize)
	if tensor.F64 {
		out.Buffers += 4 * int64(all) // weights are narrowed to be written
	}
	return out
}

// every lists the rows of a set of n.
func every(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// kRows are the rows of a training set of n that the K table runs over: all, or
// a fixed random subset.
func (c *Config) kRows(n int) []int32 {
	rows := every(n)
	if k := c.PACKSamples; k > 0 && k < n {
		rng.NewKey(c.Seed, rng.StreamSubset, stepK).Perm(rows)
		rows = rows[:k]
	}
	return rows
}

// largest returns the part of rows, cut into batches of size, that has the most
// tokens.
func largest(e *glue.Encoded, rows []int32, size int) []int32 {
	var best []int32
	most := -1
	for from := 0; from < len(rows); from += size {
		batch, n := rows[from:min(from+size, len(rows))], 0
		for _, r := range batch {
			n += e.Len(int(r))
		}
		if n > most {
			best, most = batch, n
		}
	}
	return best
}

// largestMicro returns the rows of the micro-batch that has the most tokens, of
// all updates or, where there are very many, of the first ones.
func largestMicro(c *Config, e *glue.Encoded) []int32 {
	const enough = 1 << 22 // rows
	order := c.order(e)
	steps, _ := c.Steps(order.Steps())
	if c.TrainOrder == "file" {
		steps = min(steps, order.Steps())
	}
	var best []int32
	most, seen := -1, 0
	for s := 0; s < steps && seen < enough; s++ {
		rows := order.Rows(s)
		seen += len(rows)
		micro, n := largest(e, rows, c.BatchSize), 0
		for _, r := range micro {
			n += e.Len(int(r))
		}
		if n > most {
			best, most = append(best[:0], micro...), n
		}
	}
	return best
}

// checkMemory forecasts the memory of the run and refuses, with an error of kind
// Resources that says what would fit, what the process may not use.
func (r *run) checkMemory(m *bert.Model, train *glue.Encoded, workers int) error {
	process, reading := Resident(), PeakRSS()
	need := func(c *Config) Memory {
		f := forecast(c, m, train, append(r.evals[:len(r.evals):len(r.evals)], r.tests...), process, workers)
		f.Reading = reading
		return f
	}
	var err error
	r.memory, r.limit, err = CheckMemory(r.cfg, train.Rows(), need)
	return err
}

// CheckMemory computes by need what a run holds at most, and the limit, 0 when
// nothing tells of one. A run that does not fit is refused with an error of kind
// Resources that says which settings would fit, by need too; rows is the largest
// batch that there can be.
func CheckMemory(c *Config, rows int, need func(*Config) Memory) (m Memory, limit int64, err error) {
	m = need(c)
	limit, source := c.MemoryLimit()
	if limit == 0 || m.Total() <= limit {
		return m, limit, nil
	}
	return m, limit, fault.Errorf(fault.Resources, "the run needs %s of memory (%s), %s %s; %s",
		Size(m.Total()), m.byPart(), source, Size(limit), whatFits(c, rows, need, limit))
}

// byPart lists the parts for a person, the small ones together.
func (m Memory) byPart() string {
	text := ""
	rest := m.Total()
	for _, p := range []struct {
		name  string
		bytes int64
	}{{"weights", m.Weights}, {"gradients", m.Gradients}, {"moments", m.Moments}, {"noise", m.Noise}} {
		if rest -= p.bytes; p.bytes > 0 {
			text += fmt.Sprintf("%s %s, ", p.name, Size(p.bytes))
		}
	}
	rest -= m.Activations
	return text + fmt.Sprintf("activations %s (%s), other %s", Size(m.Activations), plural.Of(m.LongestBatch, "token"), Size(rest))
}

// MemoryLimit is what a run may use, in bytes, and whose limit that is: the
// process's or --max_memory. 0 when nothing tells.
func (c *Config) MemoryLimit() (limit int64, source string) {
	limit, source = available(), "this process may use"
	if n := int64(c.MaxMemory); n > 0 && (limit == 0 || n < limit) {
		limit, source = n, "--max_memory allows"
	}
	return limit, source
}

// whatFits tells which changes of the settings bring the need below limit.
func whatFits(c *Config, rows int, need func(*Config) Memory, limit int64) string {
	all := *c
	var fit, together []string
	try := func(text string, change func(*Config)) bool {
		one := *c
		change(&one)
		total := need(&one).Total()
		if total <= limit {
			fit = append(fit, fmt.Sprintf("%s (%s)", text, Size(total)))
		}
		return total <= limit
	}
	join := func(text string, change func(*Config)) {
		change(&all)
		together = append(together, text)
	}
	micro := min(c.BatchSize, rows)
	for b := micro - 1; b >= 1; b-- {
		steps := micro / b * c.AccumulationSteps
		if micro%b != 0 {
			continue
		}
		text := fmt.Sprintf("--per_device_train_batch_size %d --gradient_accumulation_steps %d", b, steps)
		change := func(c *Config) { c.BatchSize, c.AccumulationSteps = b, steps }
		if try(text, change) {
			break
		}
		if b == 1 {
			join(text, change)
		}
	}
	if c.EvalBatchSize > 8 {
		text, change := "--per_device_eval_batch_size 8", func(c *Config) { c.EvalBatchSize = 8 }
		try(text, change)
		join(text, change)
	}
	if !c.Checkpointing {
		text, change := "--gradient_checkpointing", func(c *Config) { c.Checkpointing = true }
		try(text, change)
		join(text, change)
	}
	if c.PAC() && c.PACGranularity == string(pac.PerWeight) {
		text, change := "--pac_granularity tensor", func(c *Config) { c.PACGranularity = string(pac.PerTensor) }
		try(text, change)
		join(text, change)
	}
	total := need(&all).Total()
	switch {
	case len(fit) > 0:
		return "what would fit: " + strings.Join(fit, ", or ")
	case total <= limit:
		return fmt.Sprintf("what would fit: %s together (%s)", strings.Join(together, " "), Size(total))
	}
	return fmt.Sprintf("%s would still need %s: take a smaller model or a machine with more memory", strings.Join(together, " "), Size(total))
}
