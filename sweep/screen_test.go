package sweep

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The forecast, worked out by hand: two cells of two runs, of which those of b take
// longer than those of a.
func TestTimeLeft(t *testing.T) {
	g := &Grid{Dir: "out", Seeds: []uint64{1, 2}, Axes: []Axis{{"x", []Point{{"a", nil}, {"b", nil}}}}}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Unix(0, 0)
	clock := begin
	at := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	var out bytes.Buffer
	s := &Screen{out: &out, now: func() time.Time { return clock }, spent: map[string]spent{}}
	k := &worker{p: p, w: &Work{Jobs: 1, Screen: s}, state: make([]string, 4), running: map[int]*job{}}
	for _, moment := range []struct {
		minute, ends, begins int // -1: no run
		all, b               int // minutes left
	}{
		{0, -1, 0, 0, 0},
		{5, -1, -1, 0, 0}, // none has ended
		{6, 0, 1, 18, 12}, // three of 6 min
		{8, -1, -1, 16, 12},
		{14, -1, -1, 14, 14}, // 8 min, over the mean, which is 7 so
		{14, 1, 2, 14, 14},   // and stays
		{18, -1, -1, 10, 10},
		{24, -1, -1, 10, 10}, // 10 min, and it has not ended: the last takes as long
		{34, -1, -1, 20, 20},
		{34, 2, 3, 20, 20},
		{44, -1, -1, 10, 10},
		{64, -1, -1, 0, 0},
	} {
		clock = at(moment.minute)
		if moment.ends >= 0 {
			j := k.running[moment.ends]
			delete(k.running, moment.ends)
			k.state[moment.ends] = finished
			s.ended(k, j)
		}
		if moment.begins >= 0 {
			k.running[moment.begins] = &job{run: moment.begins, began: clock}
		}
		all, b := s.left(k, ""), s.left(k, "b")
		if all != at(moment.all).Sub(begin) || b != at(moment.b).Sub(begin) {
			t.Errorf("%+v: %v left, %v of b", moment, all, b)
		}
	}
	k.w.Jobs = 2
	clock = at(44)
	if left := s.left(k, ""); left != 10*time.Minute {
		t.Errorf("the last run, where there is room for two: %v left", left)
	}
	if line, _, _ := strings.Cut(out.String(), "\n"); line != "1/4     a/seed1 finished in 6 min; about 18 min left" {
		t.Error(line)
	}
}

// Commands that compare takes: cells of one task and its data.
func TestSummary(t *testing.T) {
	task := func(name string) Point { return Point{name, []string{"--task_name=" + name, "--data_dir=glue"}} }
	method := func(name string) Point { return Point{name, []string{"--method=" + name}} }
	g := &Grid{Dir: "out", Axes: []Axis{{"task_name", []Point{task("rte"), task("mrpc")}}, {"method", []Point{method("adamw"), method("pac")}}}}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	(&Screen{out: &out}).Summary(p)
	if want := "judge them with: pactune compare out/rte-adamw out/rte-pac\njudge them with: pactune compare out/mrpc-adamw out/mrpc-pac\n"; out.String() != want {
		t.Errorf("%s", &out)
	}
}

// Names of neighbours in a grid stay apart.
func TestShortened(t *testing.T) {
	for name, want := range map[string]string{
		"rte-pac": "rte-pac",
		"rte-learning_rate-1e-4-num_train_epochs-10": "rte-learning…e-4-num_train_epochs-10",
		"rte-learning_rate-1e-4-num_train_epochs-30": "rte-learning…e-4-num_train_epochs-30",
	} {
		if got := shortened(name, 36); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
