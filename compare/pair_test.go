package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// Of 277 rows 15 seeds have one more right and 5 one fewer, wherever on the scale
// that is: p is what SciPy 1.17.1 gives for wilcoxon([1]*15 + [-1]*5), though the
// floating-point differences of k/277 are not equal.
func TestTiesOfAccuracies(t *testing.T) {
	for _, first := range []int{100, 150, 210} {
		var a, b []float64
		different := map[float64]bool{}
		for i := range 20 {
			k := first + 3*i
			low, high := float64(k)/277, float64(k+1)/277
			different[high-low] = true
			if i%4 == 1 {
				a, b = append(a, low), append(b, high)
			} else {
				a, b = append(a, high), append(b, low)
			}
		}
		if len(different) < 2 {
			t.Fatalf("from %d: the differences are equal already", first)
		}
		dir := t.TempDir()
		r := compared(t, "", group(t, dir+"/a", 1, a...), group(t, dir+"/b", 1, b...))
		equal(t, fmt.Sprint("p from ", first), r.Pairs[0].Order.P, 0.025347318677468252)
		equal(t, "difference", r.Pairs[0].Difference, 10.0/20/277)
	}
}

// Equal means of five runs are ties too, though their sums round differently.
func TestTiesOfSubsets(t *testing.T) {
	a, b := &Group{Name: "a"}, &Group{Name: "b"}
	for subset := range 6 {
		right := []int{150, 171, 190, 183, 166}
		for seed := range 5 {
			a.Runs = append(a.Runs, memory(subset, seed, float64(right[seed]+subset)/277))
			b.Runs = append(b.Runs, memory(subset, seed, float64(right[(2*seed+subset)%5]+subset)/277))
		}
	}
	r := compared(t, "", a, b)
	if p := r.Pairs[0]; p.Order != (Test{0, 1, 1}) {
		t.Errorf("%+v", p.Order)
	}
}

func memory(subset, seed int, accuracy float64) Run {
	r := Run{Dir: fmt.Sprintf("sample%d/seed%d", subset, seed), Task: "rte", Exit: "finished", Metrics: map[string]float64{"accuracy": accuracy}}
	r.Seeds = Seeds{Seed: uint64(seed), DataSeed: uint64(seed), SampleSeed: uint64(subset)}
	if math.IsNaN(accuracy) {
		r.Exit, r.Metrics = "diverged: NaN", map[string]float64{}
	}
	return r
}

// The runs on one subset of the training rows count as one, by their mean: of five
// subsets the smallest p is 2/2⁵, however many the runs.
func TestSubsets(t *testing.T) {
	a, b := &Group{Name: "a"}, &Group{Name: "b"}
	for subset := 1; subset <= 5; subset++ {
		for seed := 1; seed <= 5; seed++ {
			noise := 0.001 * float64(seed*seed%5)
			a.Runs = append(a.Runs, memory(subset, seed, .65+.01*float64(subset)+noise))
			v := .63 + noise
			if subset == 2 && seed == 3 {
				v = math.NaN()
			}
			b.Runs = append(b.Runs, memory(subset, seed, v))
		}
	}
	r := compared(t, "", a, b)
	p := r.Pairs[0]
	if !r.Subsets || !p.Paired || p.Pairs != 5 || p.A.Units != 5 || p.A.N != 25 || p.B.N != 24 || p.B.Diverged != 1 {
		t.Fatalf("%+v\n%+v\n%+v", p, p.A, p.B)
	}
	equal(t, "p of Wilcoxon", p.Order.P, 2.0/32)
	equal(t, "mean distance of the subsets from the median", p.A.Deviation, .06/5)
	// Of the shares of failures one differs, in one subset.
	if p.Failures.P != 1 || p.Failures.Statistic != 0 {
		t.Errorf("failures: %+v", p.Failures)
	}
	if !(p.A.Interval.Low > .66 && p.A.Interval.High < .71 && p.A.Interval.High-p.A.Interval.Low > .02) {
		t.Errorf("the interval of a mean of five, 0.01 apart: %+v", p.A.Interval)
	}
	if v := r.Verdict(&p); !strings.HasPrefix(v, "No difference shown in accuracy") || !strings.Contains(v, "so few subsets can show none: the smallest p is 0.0625; b spreads less (mean distance from the median 0.0120 and 0.0001") {
		t.Error(v)
	}
	text, err := json.Marshal(r.Values())
	if err != nil || !strings.Contains(string(text), `"unit":"subset"`) || !strings.Contains(string(text), `"failures_wilcoxon":{`) || !strings.Contains(string(text), `"units":5`) {
		t.Errorf("%s %v", text, err)
	}
	for _, want := range []string{"intervals and tests are of subsets (sample_seed), each the mean of its runs", "\nsubsets ", "Wilcoxon's test of the pairs by subset; ", "test of their share in each subset"} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("the text lacks %q:\n%s", want, r.Text())
		}
	}
	if !strings.Contains(r.CSV(), "rte,accuracy,a,,subsets,5,") || !strings.Contains(r.CSV(), "rte,accuracy,b,,runs,25,") || !strings.Contains(r.CSV(), "rte,accuracy,b,,diverged,1,") {
		t.Error(r.CSV())
	}
}

// Two methods that differ in nothing, whose results are the sum of an effect of the
// subset, of the method on that subset, and of the seed, each with one spread. With
// subsets as the units a test at 5 % finds a difference in at most 7 % of 1,000 cases
// (three standard errors); with runs as the units in far more.
func TestMethodsThatDifferInNothingOnSubsets(t *testing.T) {
	const sets, subsets, seeds = 1000, 10, 5
	found := map[string]int{}
	for set := range sets {
		groups := []*Group{{Name: "a"}, {Name: "b"}}
		for subset := range subsets {
			for method, g := range groups {
				for seed := range seeds {
					v := .55 + .02*(normal(set, 0, subset)+normal(set, 1, 2*subset+method)+normal(set, 2, (2*subset+method)*seeds+seed))
					g.Runs = append(g.Runs, memory(subset, seed, v))
				}
			}
		}
		for _, bySubset := range []bool{false, true} {
			r := &Report{Metric: "accuracy", Line: 0.53, Subsets: bySubset, Groups: make([]Described, 2)}
			for i, g := range groups {
				if err := r.measure(&r.Groups[i], g); err != nil {
					t.Fatal(err)
				}
			}
			p := Pair{A: &r.Groups[0], B: &r.Groups[1]}
			p.test(bySubset)
			for name, test := range map[string]Test{"order": p.Order, "spread": p.Spread, "failures": p.Failures} {
				if test.P < Level {
					found[name+" by "+r.Unit()]++
				}
			}
		}
	}
	t.Logf("of %d: %v", sets, found)
	for _, test := range []string{"order", "spread", "failures"} {
		if k := found[test+" by subset"]; k > 70 {
			t.Errorf("%s: %d of %d found by subset, expected at most 70", test, k, sets)
		}
	}
	if found["order by subset"] < 30 || found["order by run"] < 200 {
		t.Errorf("order: %v; expected some 50 by subset, and above 200 by run", found)
	}
}

// normal is a standard normal number of a stream that the tests alone use.
func normal(set, effect, i int) float64 {
	key := rng.NewKey(7, rng.StreamSubset, uint64(set))
	return fmath.NormalQuantile(rng.Uniform(key.Uint32(uint32(effect), uint64(i))))
}

// A is tight but for one run that failed, B has two heights: A's standard deviation
// is the larger one, and yet A spreads less.
func TestSteadierSide(t *testing.T) {
	dir := t.TempDir()
	var a, b []float64
	for i := range 60 {
		a = append(a, .70+.001*float64(i%5))
		b = append(b, .66+.06*float64(i%2)+.001*float64(i%3))
	}
	a[0] = .45
	r := compared(t, "", group(t, dir+"/a", 1, a...), group(t, dir+"/b", 1, b...))
	p := r.Pairs[0]
	if !(p.A.Std > p.B.Std) {
		t.Fatalf("standard deviations %v and %v", p.A.Std, p.B.Std)
	}
	if v := r.Verdict(&p); !strings.Contains(v, "; a spreads less (mean distance from the median 0.0054 and 0.0300, p <0.0001)") {
		t.Error(v)
	}
}

// A that wins 19 of 20 by a little and loses one by a lot.
func TestMostRunsButNotOnAverage(t *testing.T) {
	dir := t.TempDir()
	var a, b []float64
	for i := range 20 {
		b = append(b, .60+.005*float64(i))
		a = append(a, b[i]+.01)
	}
	a[7] = b[7] - .25
	r := compared(t, "", group(t, dir+"/a", 1, a...), group(t, dir+"/b", 1, b...))
	if v := r.Verdict(&r.Pairs[0]); !strings.HasPrefix(v, "a is better in accuracy in most runs, but not on average (a − b: -0.0030,") {
		t.Error(v)
	}
}

// Seeds that one group lacks are left out of the pairs and named.
func TestSeedsWithoutPartner(t *testing.T) {
	dir, nan := t.TempDir(), math.NaN()
	a := group(t, dir+"/a", 1, .71, .62, .73, .64, .75, .66, .67, .68, .69)
	b := group(t, dir+"/b", 1, .70, .60, .70, .60, .70, .60, nan)
	late := memory(42, 12, .7)
	late.Data, late.Rows = b.Runs[0].Data, b.Runs[0].Rows
	b.Runs = append(b.Runs, late)
	r := compared(t, "", a, b)
	p := r.Pairs[0]
	if !p.Paired || p.Pairs != 6 {
		t.Fatalf("%+v", p)
	}
	equal(t, "p of Wilcoxon", p.Order.P, 2.0/64)
	equal(t, "difference of the pairs", p.Difference, .21/6)
	if text := r.Tests(); !strings.HasSuffix(text, "Fisher. a − b: 6 pairs; no partner for seed 7..9 of a and 12 of b.") {
		t.Error(text)
	}
	text, err := json.Marshal(r.Values())
	if err != nil || !strings.Contains(string(text), `"without_partner_a":[7,8,9],"without_partner_b":[12]`) {
		t.Errorf("%s %v", text, err)
	}
}

// One run each: no interval, and the seeds that diverged are no pair.
func TestOneRunEach(t *testing.T) {
	dir, nan := t.TempDir(), math.NaN()
	r := compared(t, "", group(t, dir+"/a", 1, .7, nan), group(t, dir+"/b", 1, nan, .6))
	text := r.Text()
	if strings.Contains(text, "NaN") || !strings.Contains(text, "a − b: +0.1000, 95 % interval –, Mann–Whitney p 1.0000; without 1 of 2 runs of a, which diverged; without 1 of 2 runs of b, which diverged), and so few runs") {
		t.Error(text)
	}
	if rows := r.GroupRows(); rows[3][0] != "95 % interval of the mean" || rows[3][1] != "–" {
		t.Errorf("%q", rows[3])
	}
}

// A run that diverged is out of the mean, but who makes n runs makes it, too: in the
// expected best of n it is the worst. Of one run that is (0.5 + … + 0.8 + 2·0.5)/6.
func TestSomeRunsDiverged(t *testing.T) {
	dir, nan := t.TempDir(), math.NaN()
	a := group(t, dir+"/a", 1, .5, .6, nan, .7, nan, .8)
	b := group(t, dir+"/b", 1, .5, .6, .7, .8, .9, .8)
	r := compared(t, "", a, b)
	equal(t, "mean", r.Groups[0].Mean, .65)
	equal(t, "best of 1", r.Groups[0].Best[0], 3.6/6)
	if n := len(r.Groups[0].Best); n != 6 {
		t.Errorf("best of up to %d runs", n)
	}
	if v := r.Verdict(&r.Pairs[0]); !strings.Contains(v, "; without 2 of 6 runs of a, which diverged)") {
		t.Error(v)
	}
	r = compared(t, "loss", a, b)
	equal(t, "loss, best of 1", r.Groups[0].Best[0], r.Groups[0].Mean*4/6+r.Groups[0].Max*2/6)
}

// That every run of a group diverged is its result.
func TestEveryRunDiverged(t *testing.T) {
	dir, nan := t.TempDir(), math.NaN()
	a := group(t, dir+"/a", 1, .71, .72, .73, .74, .75, .76, .77, .78)
	b := group(t, dir+"/b", 1, nan, nan, nan, nan, nan, nan, nan, nan)
	c := group(t, dir+"/c", 1, nan, nan, nan, nan, nan, nan, nan, nan)
	r := compared(t, "", b, a)
	p := r.Pairs[0]
	equal(t, "p of Fisher", p.Failures.P, 2.0/12870) // of 16 over 8 ways to deal them out
	if v := r.Verdict(&p); v != "No run of b has a final accuracy; a fails less often (8 of 8 and 0 of 8 runs, p 0.0002)." {
		t.Error(v)
	}
	equal(t, "Wilson's low end", p.A.Share.Low, 1/(1+math.Pow(fmath.NormalQuantile(0.975), 2)/8))
	text := r.Text()
	if strings.Contains(text, "NaN") || !strings.Contains(text, "8 of 8 (8 diverged)") || !strings.Contains(text, "expected best of 5") || !strings.Contains(text, "no test, because a group has no accuracy") {
		t.Error(text)
	}
	if text, err := json.Marshal(r.Values()); err != nil {
		t.Errorf("%s %v", text, err)
	}
	r = compared(t, "", a, b, c)
	if v := r.Verdict(&r.Pairs[2]); v != "No run of b and of c has a final accuracy." {
		t.Error(v)
	}
	if text := compared(t, "loss", a, b).Text(); !strings.Contains(text, "8 of 8 diverged") {
		t.Error(text)
	}
	if _, err := New([]*Group{b, c}, ""); err == nil || !strings.Contains(err.Error(), "b: every run diverged") {
		t.Error(err)
	}
}
