package train

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pactune/internal/plural"
	"pactune/internal/profile"
)

// Progress shows a run to a person: on a terminal a table of evaluations with
// one line below it that is written over, elsewhere plain lines, one for every
// logged update or every 30 seconds, and never a carriage return.
type Progress struct {
	out   io.Writer
	live  bool // a terminal that can write over a line
	style style
	quiet bool
	now   func() time.Time

	plan    *Plan
	table   *table
	last    StepRecord
	loss    mean      // of the updates since the last row
	printed time.Time // when something was last shown
	work    string    // other work in progress
	open    bool      // there is a line to be written over
	speed   speed
	trial   trial
}

// lull is how long other work goes on without a line that tells of it.
const lull = 30 * time.Second

// NewProgress returns a Progress on a file, usually os.Stderr. Color is the
// option's value.
func NewProgress(out *os.File, color string, plain, quiet bool) *Progress {
	terminal := IsTerminal(out)
	return &Progress{out: out, live: terminal && !plain, quiet: quiet,
		style: style(colored(color, terminal)), now: time.Now}
}

// Hooks returns what a run calls.
func (p *Progress) Hooks() Hooks {
	return Hooks{OnNote: p.note, OnWarn: p.warn, OnPlan: p.begin, OnWork: p.other, OnStep: p.step, OnEval: p.eval, OnProfile: p.profile}
}

// warn prints a warning, with --quiet too.
func (p *Progress) warn(text string) { p.print(p.style.bold("warning " + Clean(text))) }

// note prints a choice.
func (p *Progress) note(text string) {
	if !p.quiet {
		p.erase()
		fmt.Fprintln(p.out, p.style.dim("note    "+Clean(text)))
	}
}

// begin prints what the run is about to do.
func (p *Progress) begin(plan *Plan) {
	p.plan = plan
	p.table = newTable(plan)
	p.printed = p.now()
	if p.quiet {
		return
	}
	p.erase()
	fmt.Fprintf(p.out, "model   %s  %s weights, %s trained in %s\n",
		Clean(plan.Model), count(plan.Parameters), count(plan.Trainable), plural.Of(plan.Tensors, "tensor"))
	fmt.Fprintf(p.out, "data    %s  train %s (%s)  eval %s (%s)\n", Clean(plan.Task),
		plural.Of(plan.TrainRows, "row"), plural.Of(plan.TrainTokens, "token"), plural.Of(plan.EvalRows, "row"), plural.Of(plan.EvalTokens, "token"))
	if len(plan.LabelNames) > 0 {
		fmt.Fprintf(p.out, "labels  %s\n", labelLine(plan))
	}
	method := plan.Method
	if plan.Preset != "" {
		method += " (" + plan.Preset + ")"
	}
	stages := ""
	if plan.Stage1Steps > 0 {
		stages = fmt.Sprintf(" (stage 1: %d, stage 2: %d)", plan.Stage1Steps, plan.Steps-plan.Stage1Steps)
	}
	kernels := plan.ISA
	if plan.Precision != "f32" {
		kernels += " in " + plan.Precision
	}
	fmt.Fprintf(p.out, "plan    %s, %s, %s%s of up to %s, %s on %s\n",
		method, epochText(float64(plan.Steps)/float64(max(1, plan.StepsPerEpoch))), plural.Of(plan.Steps, "update"), stages, plural.Of(plan.Batch, "example"),
		plural.Of(plan.Threads, "thread"), kernels)
	fmt.Fprintf(p.out, "memory  %s\n        %s\n", Size(plan.Memory.Total()).of(Size(plan.MemoryLimit)), plan.Memory.byPart())
	fmt.Fprintf(p.out, "disk    %s\n", plan.Disk.text())
}

// labelLine lists the classes and what always answering the commonest reaches.
func labelLine(plan *Plan) string {
	names := make([]string, len(plan.LabelNames))
	for i, n := range plan.LabelNames {
		if i == 8 {
			names = append(names[:8], fmt.Sprintf("… %d in all", len(plan.LabelNames)))
			break
		}
		names[i] = Clean(n)
	}
	text := strings.Join(names, ", ")
	if plan.EvalRows > 0 && plan.Majority.Label != "" {
		text += fmt.Sprintf("   majority line of the evaluation: %.1f %% %s", 100*plan.Majority.Share, Clean(plan.Majority.Label))
	}
	return text
}

// other shows work beside the updates: the K table, an evaluation.
func (p *Progress) other(what string, done, total int) {
	now := p.now()
	if what != p.work {
		p.work, p.speed = what, speed{start: now}
		if p.printed.IsZero() {
			p.printed = now
		}
	}
	left := ""
	if done > 0 {
		left = ", " + clock(now.Sub(p.speed.start)*time.Duration(total-done)/time.Duration(done)) + " left"
	}
	switch {
	case p.quiet:
	case done >= total:
		p.work = ""
		took := now.Sub(p.speed.start)
		if what != "evaluation" || took >= lull {
			p.print(fmt.Sprintf("%s %d of %d done in %s", what, done, total, took.Round(time.Millisecond*100)))
		}
	case p.live:
		p.over(fmt.Sprintf("%s %d/%d%s", what, done, total, left))
	case now.Sub(p.printed) >= lull:
		p.print(fmt.Sprintf("%s %d/%d%s", what, done, total, left))
	}
}

// step counts an update and shows a line when one is due.
func (p *Progress) step(r *StepRecord, t Timing) {
	p.work = ""
	if r.Skipped != "" {
		return
	}
	p.last = *r
	p.loss.add(r.Loss)
	p.speed.add(t)
	if p.quiet {
		return
	}
	p.calibrate(r.Step, t)
	now := p.now()
	due := p.plan.Logs(r.Step)
	switch {
	case p.live && (due || now.Sub(p.printed) >= 100*time.Millisecond):
		p.over(p.status(r))
		p.printed = now
	case !p.live && (due || now.Sub(p.printed) >= lull):
		p.fill()
		p.row(false)
		p.printed = now
	}
}

// status is the line that is written over.
func (p *Progress) status(r *StepRecord) string {
	stage := ""
	if r.Stage > 0 {
		stage = fmt.Sprintf("stage %d  ", r.Stage)
	}
	if r.Stage == 1 {
		stage += fmt.Sprintf("total %s  ", short(r.Total))
	}
	return fmt.Sprintf("%s %d/%d  %s left  %sloss %s  %s ex/s", bar(r.Step, p.plan.Steps, 16), r.Step, p.plan.Steps,
		clock(p.speed.left(p.plan.Steps-r.Step)), stage, short(r.Loss), short(p.speed.rate()))
}

// eval prints a row with the evaluation's numbers.
func (p *Progress) eval(e *EvalRecord) {
	p.work = ""
	if p.quiet || p.table == nil {
		return
	}
	if p.live && p.loss.n > 0 {
		p.fill()
	}
	p.table.eval(e)
	p.row(true)
	p.printed = p.now()
}

// fill puts the last update into the row.
func (p *Progress) fill() {
	p.table.step(&p.last, p.loss.take(), p.speed.rate(), p.speed.left(p.plan.Steps-p.last.Step))
}

// row prints the line of the table, its head before the first.
func (p *Progress) row(bold bool) {
	p.erase()
	if !p.table.headed {
		p.table.headed = true
		fmt.Fprintln(p.out, p.style.bold(p.table.head()))
	}
	text := p.table.line()
	if bold {
		text = p.style.bold(text)
	}
	fmt.Fprintln(p.out, text)
}

// profile prints the table, with --quiet too: somebody asked for it.
func (p *Progress) profile(c *profile.Clock) {
	p.erase()
	fmt.Fprintln(p.out)
	c.Write(p.out)
}

// print writes a plain line.
func (p *Progress) print(text string) {
	p.erase()
	fmt.Fprintln(p.out, text)
	p.printed = p.now()
}

// over writes over the last line of a terminal.
func (p *Progress) over(text string) {
	fmt.Fprintf(p.out, "\r\x1b[K%.79s", text)
	p.open = true
}

// erase removes the line that was to be written over.
func (p *Progress) erase() {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.open = false
	}
}

// Close leaves the terminal on a fresh line.
func (p *Progress) Close() { p.erase() }

// speed measures updates by their own time, so that evaluations between them
// do not count.
type speed struct {
	start    time.Time
	spent    time.Duration // of the recent updates, fading
	examples float64
	updates  float64
}

// add counts an update; older ones fade with a half-life of about 50.
func (s *speed) add(t Timing) {
	const keep = 0.986
	s.spent = time.Duration(float64(s.spent)*keep) + t.Elapsed
	s.examples = s.examples*keep + float64(t.Examples)
	s.updates = s.updates*keep + 1
}

// rate is examples per second.
func (s *speed) rate() float64 {
	if s.spent <= 0 {
		return 0
	}
	return s.examples / s.spent.Seconds()
}

func (s *speed) left(updates int) time.Duration {
	if s.updates == 0 {
		return 0
	}
	return time.Duration(float64(s.spent) / s.updates * float64(updates))
}
