package train

import (
	"reflect"

	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/nn"
	"pactune/optim"
	"pactune/pac"
)

// state is state.json of a checkpoint: what a run knows besides its arrays and
// its log. Rows, masks and noise are functions of seeds and the number of the
// update, so that is nearly all; the rest says so in words, and is compared.
type state struct {
	Step     int      `json:"step"`  // updates done
	Epoch    float64  `json:"epoch"` // epochs done
	Stage    int      `json:"stage"` // of PAC-tuning, of the next update; 0 without
	Data     place    `json:"data"`
	Random   keys     `json:"random"`
	Best     *best    `json:"best"`
	Schedule schedule `json:"schedule"`
	Logs     Marks    `json:"logs"` // how far each goes
	Origin   Origin   `json:"origin"`
}

// place is where the next update begins in the data.
type place struct {
	Epoch int `json:"epoch"` // from 0: the order of the rows is a function of it
	Row   int `json:"row"`   // in that order
}

// keys are those of the next update's random numbers.
type keys struct {
	Seed     uint64 `json:"seed"`
	DataSeed uint64 `json:"data_seed"`
	Update   int    `json:"update"`
}

// schedule is the course of the rates.
type schedule struct {
	Type   optim.ScheduleKind `json:"type"`
	Warmup int                `json:"warmup_steps"`
	Total  int                `json:"total_steps"`
}

// best is the best evaluation so far.
type best struct {
	Step   int     `json:"step"`
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
}

// state is that of now.
func (r *run) state(logs Marks) *state {
	t, step := r.t, r.finish.Result.Steps
	s := &state{Step: step, Epoch: epochs(r.plan, step), Schedule: schedule{t.schedule.Kind, t.schedule.Warmup, t.schedule.Total}, Logs: logs, Origin: r.origin,
		Data:   place{step / t.perEpoch, step % t.perEpoch * t.order.Batch * t.order.Accumulation},
		Random: keys{r.cfg.Seed, r.cfg.DataSeed, step}}
	if t.noise != nil {
		s.Stage = 1
		if step >= t.stage1 {
			s.Stage = 2
		}
	}
	if e := r.finish.Result.Best; e != nil {
		if name, value, ok := r.cfg.watched(e); ok {
			s.Best = &best{e.Step, name, value}
		}
	}
	return s
}

// load puts a checkpoint into a run that is prepared and knows its logs.
func (r *run) load(found *checkpoint.Found, saved *state) error {
	r.t.begin(saved.Step)
	for name, arrays := range map[string][]checkpoint.Array{checkpoint.Model: Weights(r.t.model.Store), checkpoint.Optimizer: r.t.moments()} {
		if err := found.Load(name, arrays); err != nil {
			return err
		}
	}
	if now := r.state(saved.Logs); !reflect.DeepEqual(now, saved) {
		return fault.Errorf(fault.Model, "%s: the state %+v is not that of the log and of the settings, %+v: expected a checkpoint of this run", found.Path, *saved, *now)
	}
	return nil
}

// begin makes a new trainer one that has made updates, but for its arrays.
func (t *trainer) begin(updates int) {
	t.unproved = true
	if t.noise == nil {
		return
	}
	t.table = pac.NewKTable()
	t.bound.Table = t.table
	if updates > t.stage1 {
		t.noise.Freeze()
	}
}

// Weights are the arrays of a model, frozen ones too, for a checkpoint.
func Weights(s *nn.Store) []checkpoint.Array {
	var list []checkpoint.Array
	for _, p := range s.Params {
		list = append(list, checkpoint.Of(p.Name, p.Shape, p.Clean))
	}
	return list
}

// Moments are the arrays of AdamW, m.<tensor> and v.<tensor>.
func Moments(o *optim.AdamW) []checkpoint.Array {
	var list []checkpoint.Array
	for i, p := range o.Params() {
		m, v := o.Moments(i)
		list = append(list, checkpoint.Of("m."+p.Name, p.Shape, m), checkpoint.Of("v."+p.Name, p.Shape, v))
	}
	return list
}

// moments are those of AdamW and, with PAC-tuning, the K table and the noise: p
// and b and, in stage 1, their moments.
func (t *trainer) moments() []checkpoint.Array {
	list := Moments(t.opt)
	if t.noise == nil {
		return list
	}
	n := t.noise
	knots, tensors := []int{len(t.table.Std)}, []int{len(n.B)}
	list = append(list, checkpoint.Of("k.std", knots, t.table.Std), checkpoint.Of("k.K", knots, t.table.K))
	list = append(list, checkpoint.Of("b", tensors, n.B))
	list = append(list, t.logStds()...)
	if n.Frozen() {
		return list
	}
	list = append(list, checkpoint.Of("m.b", tensors, n.MB), checkpoint.Of("v.b", tensors, n.VB))
	for i := range n.Tensors {
		x, shape := &n.Tensors[i], t.stdShape(i)
		list = append(list, checkpoint.Of("m.p."+x.Name, shape, x.MP), checkpoint.Of("v.p."+x.Name, shape, x.VP))
	}
	return list
}

// logStds are the arrays of p.
func (t *trainer) logStds() []checkpoint.Array {
	var list []checkpoint.Array
	if t.noise == nil {
		return nil
	}
	for i := range t.noise.Tensors {
		x := &t.noise.Tensors[i]
		list = append(list, checkpoint.Of("p."+x.Name, t.stdShape(i), x.P))
	}
	return list
}

// stdShape is the shape of the log-stds of tensor i: that of its weights, or one.
func (t *trainer) stdShape(i int) []int {
	if x := &t.noise.Tensors[i]; len(x.P) > 1 {
		return t.model.Store.Param(x.Name).Shape
	}
	return []int{1}
}
