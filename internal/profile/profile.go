// Package profile tells where the time of a run goes.
//
// A Clock is read at the end of every piece of work, and the time since it was
// last read (a lap) goes to the row of that work. So every moment belongs to
// one row and the rows add up to the whole. A nil Clock does nothing; neither
// allocates. What it says never reaches a result: only people read it.
package profile

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Op is an operation of a tape. It has a row for each Phase.
type Op int

const (
	Embed Op = iota
	Linear
	LinearAct
	Attention
	AddLayerNorm
	Dropout
	FirstTokens
	Rows
	Loss
	Checkpoint
	ops
)

var opNames = [ops]string{"embedding", "linear", "linear, activation", "attention", "add, layer norm", "dropout", "first tokens", "rows", "loss", "checkpoint"}

// Phase says in which pass an Op ran.
type Phase int

const (
	Forward   Phase = iota // with a record for the backward pass
	Backward               // of the same
	Inference              // forward without a record: evaluation, K table
	phases
)

var phaseNames = [phases]string{"forward", "backward", "inference"}

// Part is work of a run beside the ops.
type Part int

const (
	Read      Part = iota // files, tokens, the model
	ZeroGrad              // clearing the gradients
	Noise                 // drawing the noisy weights
	Norms                 // of the gradients, and the search for NaN
	NoiseStep             // gradient and Adam step of the log-stds
	Clip                  // scaling by component and as a whole
	Bound                 // gradient of KL and K, Adam step of the priors
	AdamW                 // step of the weights
	Record                // the terms of an update for the log
	Write                 // the files at the end
	Rest                  // batches, metrics, log, display
	parts
)

var partNames = [parts]string{"reading", "zero gradients", "noise: weights", "gradient norms", "noise: step", "clipping", "bound",
	"AdamW", "record", "writing", "rest"}

// Clock sums laps by row. Start makes one. It is for one goroutine.
type Clock struct {
	last  time.Time
	ops   [phases][ops]cell
	parts [parts]cell
}

type cell struct {
	calls int
	time  time.Duration
	flops float64
}

// Start returns a clock whose first lap begins now.
func Start() *Clock { return &Clock{last: time.Now()} }

// Op ends a lap that ran op in phase, which does so many floating-point
// operations: 2 for each product and sum of a matrix product, no others.
func (c *Clock) Op(op Op, phase Phase, flops float64) {
	if c != nil {
		c.lap(&c.ops[phase][op], flops)
	}
}

// Part ends a lap that did part.
func (c *Clock) Part(part Part) {
	if c != nil {
		c.lap(&c.parts[part], 0)
	}
}

func (c *Clock) lap(to *cell, flops float64) {
	now := time.Now()
	to.calls++
	to.time += now.Sub(c.last)
	to.flops += flops
	c.last = now
}

// Row is one line of the table.
type Row struct {
	Phase string        `json:"phase"` // "" for a Part
	Name  string        `json:"name"`
	Calls int           `json:"calls"`
	Time  time.Duration `json:"nanoseconds"`
	FLOPs float64       `json:"flops"`
	Share float64       `json:"share"` // of the time of all rows
}

// OpRow returns the row of one op in one phase.
func (c *Clock) OpRow(op Op, phase Phase) Row {
	return c.ops[phase][op].row(phaseNames[phase], opNames[op])
}

func (x cell) row(phase, name string) Row {
	return Row{Phase: phase, Name: name, Calls: x.calls, Time: x.time, FLOPs: x.flops}
}

// Rows returns the rows that were used: ops by phase, then parts.
func (c *Clock) Rows() []Row {
	var rows []Row
	for phase := range phases {
		for op := range ops {
			rows = append(rows, c.OpRow(op, phase))
		}
	}
	for part := range parts {
		rows = append(rows, c.parts[part].row("", partNames[part]))
	}
	var used []Row
	total := time.Duration(0)
	for _, r := range rows {
		total += r.Time
	}
	for _, r := range rows {
		if r.Calls > 0 {
			r.Share = r.Time.Seconds() / max(total.Seconds(), 1e-9)
			used = append(used, r)
		}
	}
	return used
}

// MarshalJSON gives the rows.
func (c *Clock) MarshalJSON() ([]byte, error) { return json.Marshal(c.Rows()) }

// Write prints the table, with a line for all of it.
func (c *Clock) Write(w io.Writer) {
	fmt.Fprintf(w, "%-10s %-19s %9s %10s %9s %7s\n", "profile", "", "calls", "seconds", "GFLOP/s", "share")
	sum := Row{Name: "all", Share: 1}
	for _, r := range c.Rows() {
		r.write(w)
		sum.Calls += r.Calls
		sum.Time += r.Time
		sum.FLOPs += r.FLOPs
	}
	sum.write(w)
}

func (r Row) write(w io.Writer) {
	speed := ""
	if r.FLOPs > 0 {
		speed = fmt.Sprintf("%.1f", r.FLOPs/1e9/max(r.Time.Seconds(), 1e-9))
	}
	fmt.Fprintf(w, "%-10s %-19s %9d %10.3f %9s %5.1f %%\n", r.Phase, r.Name, r.Calls, r.Time.Seconds(), speed, 100*r.Share)
}
