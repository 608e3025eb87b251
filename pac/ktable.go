package pac

import (
	"math"

	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/internal/rng"
	"pactune/tensor"
)

// The K table's grids: prior stds σ from e^−6 to e^−2, models drawn for each,
// and the γ at which K's condition is looked at.
const (
	kStds, kModels, kGammas  = 8, 10, 10
	kLogStdFirst, kLogStdEnd = -6.0, -2.0
	kFloor                   = 1e-6
)

// KPasses is the number of forward passes over the examples that MeasureK
// makes.
const KPasses = kStds * kModels

// KTable is K as a function of the prior's std: the smallest x with
// mean_{k,i} exp(γ(μ − ℓ_{k,i})) ≤ exp(3γ²x²/2), a measure of how much the
// per-example losses ℓ of the models k drawn from the prior vary.
type KTable struct{ Std, K []float64 }

// NewKTable is an empty table of the size that MeasureK gives, to be filled from a
// checkpoint.
func NewKTable() *KTable { return &KTable{make([]float64, kStds), make([]float64, kStds)} }

// At returns K(x) and its derivative: piecewise linear, constant below the
// first knot, continued above the last.
func (t *KTable) At(x float64) (k, slope float64) {
	if x < t.Std[0] {
		return t.K[0], 0
	}
	i := 1
	for i < len(t.Std)-1 && x >= t.Std[i] {
		i++
	}
	slope = (t.K[i] - t.K[i-1]) / (t.Std[i] - t.Std[i-1])
	return t.K[i-1] + float64(slope*(x-t.Std[i-1])), slope
}

// KOptions says how MeasureK sees the model.
type KOptions struct {
	GammaMin, GammaMax float64
	// Authors searches x as the authors' code does, instead of by the closed
	// form.
	Authors bool
	// Losses writes the loss of every example, at the present Param.Data, into
	// dst, whose length is Examples.
	Examples int
	Losses   func(dst []float64) error
	// Progress, when not nil, is told after each pass how many are done.
	Progress func(done, total int)
}

// MeasureK builds the table: for each σ it draws models w0 + σ·N(0,1), not
// clipped, head included, and takes their per-example losses. The parameters
// read the clean weights again when it returns. It uses Noise's scratch.
func (n *Noise) MeasureK(o KOptions) (*KTable, error) {
	defer n.End()
	t := &KTable{}
	gammas := logGrid(o.GammaMin, o.GammaMax, kGammas)
	losses := make([]float64, kModels*o.Examples)
	logMeans := make([]float64, len(gammas))
	x := 1e-3
	for s := range kStds {
		std := fmath.Exp(kLogStdFirst + (kLogStdEnd-kLogStdFirst)*float64(s)/(kStds-1))
		for k := range kModels {
			pass := s*kModels + k
			n.drawModel(pass, std)
			one := losses[k*o.Examples : (k+1)*o.Examples]
			if err := o.Losses(one); err != nil {
				return nil, err
			}
			for i, l := range one {
				if math.IsNaN(l) || math.IsInf(l, 0) {
					return nil, fault.Errorf(fault.Diverged, "K table: the loss of example %d of a model "+
						"with noise of std %.3g is %v: expected finite losses; check the model's weights", i, std, l)
				}
			}
			if o.Progress != nil {
				o.Progress(pass+1, KPasses)
			}
		}
		logMeanExp(logMeans, gammas, losses)
		var k float64
		if o.Authors {
			x = searchK(x, gammas, logMeans)
			k = x
		} else {
			k = closedK(gammas, logMeans)
		}
		if s > 0 {
			k = max(k, t.K[s-1])
		}
		t.Std, t.K = append(t.Std, std), append(t.K, k)
	}
	return t, nil
}

// drawModel lets the parameters read w0 + std·N(0,1).
func (n *Noise) drawModel(pass int, std float64) {
	n.key, n.spread = rng.NewKey(n.seed, rng.StreamK, uint64(pass)), tensor.Float(std)
	n.pool.Run(len(n.pieces), (*modelTask)(n))
	n.showScratch()
}

type modelTask Noise

func (n *modelTask) Piece(i int) {
	k := n.pieces[i]
	t := &n.Tensors[k.Param]
	tensor.AxpyNormals(t.noisy[k.Lo:k.Hi], t.W0[k.Lo:k.Hi], n.spread, n.key, uint32(k.Param), uint64(k.Lo))
}

// logMeanExp sets dst[g] = log mean exp(γ_g(μ − ℓ)), μ the mean of all losses,
// by log-sum-exp. By Jensen's inequality it is not negative.
func logMeanExp(dst, gammas, losses []float64) {
	mean, least := 0.0, losses[0]
	for _, l := range losses {
		mean += l
		least = min(least, l)
	}
	mean /= float64(len(losses))
	for g, gamma := range gammas {
		sum := 0.0
		for _, l := range losses {
			sum += fmath.Exp(gamma * (least - l))
		}
		dst[g] = max(0, float64(gamma*(mean-least))+fmath.Log(sum/float64(len(losses))))
	}
}

// closedK is max over γ of (1/γ)·sqrt(⅔·log mean exp(γ(μ−ℓ))): the smallest x
// that meets the condition at every γ.
func closedK(gammas, logMeans []float64) float64 {
	k := kFloor
	for g, gamma := range gammas {
		k = max(k, math.Sqrt(2*logMeans[g]/3)/gamma)
	}
	return k
}

// searchK is the search of the authors' code, from x on: up by factors of 1.5
// while the condition fails at some γ, then down by 1.1 while it holds with
// room at every γ. It ends just under the condition.
func searchK(x float64, gammas, logMeans []float64) float64 {
	for room(x, gammas, logMeans) < 0 {
		x *= 1.5
	}
	for room(x, gammas, logMeans) > 0 {
		x /= 1.1
	}
	return x
}

// room is the least 3γ²x²/2 − log mean exp(γ(μ−ℓ)) over γ. Its sign is that of
// the authors' Σ_k [exp(3γ²x²/2) − mean_i exp(γ(μ−ℓ))].
func room(x float64, gammas, logMeans []float64) float64 {
	least := math.Inf(1)
	for g, gamma := range gammas {
		least = min(least, float64(1.5*gamma*gamma*x*x)-logMeans[g])
	}
	return least
}

// logGrid returns n points from lo to hi, evenly spaced in the logarithm; one
// point when they are equal.
func logGrid(lo, hi float64, n int) []float64 {
	if lo == hi {
		return []float64{lo}
	}
	grid := make([]float64, n)
	from, to := fmath.Log(lo), fmath.Log(hi)
	for i := range grid {
		grid[i] = fmath.Exp(from + (to-from)*float64(i)/float64(n-1))
	}
	grid[0], grid[n-1] = lo, hi
	return grid
}
