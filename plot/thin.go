package plot

import "math"

type point struct{ x, y float64 }

// thin turns a series into screen points, in unbroken runs, at most about n in
// all. Where there are more, the axis is cut into slices and a slice keeps its
// lowest and its highest point; the ends of a run stay.
func thin(s *Series, x, y scale, n int) [][]point {
	var runs [][]point
	var run []point
	total := 0
	flush := func() {
		if len(run) > 0 {
			runs = append(runs, run)
			run = nil
		}
	}
	for i, v := range s.Y {
		if math.IsNaN(v) || math.IsInf(v, 0) || y.log && v <= 0 {
			flush()
			continue
		}
		run = append(run, point{x.at(s.X[i]), y.at(v)})
		total++
	}
	flush()
	if total <= n || x.to <= x.from {
		return runs
	}
	slice := (x.to - x.from) / float64(max(n/2, 1))
	for i := range runs {
		runs[i] = extremes(runs[i], x.from, slice)
	}
	return runs
}

// extremes keeps of each slice the lowest and the highest point in their
// order, and the first and the last point of the run.
func extremes(run []point, from, slice float64) []point {
	if len(run) < 4 {
		return run
	}
	kept := []point{run[0]}
	add := func(p point) {
		if p != kept[len(kept)-1] {
			kept = append(kept, p)
		}
	}
	for i := 0; i < len(run); {
		cut := math.Floor((run[i].x - from) / slice)
		low, high := i, i
		for ; i < len(run) && math.Floor((run[i].x-from)/slice) == cut; i++ {
			if run[i].y < run[low].y {
				low = i
			}
			if run[i].y > run[high].y {
				high = i
			}
		}
		add(run[min(low, high)])
		add(run[max(low, high)])
	}
	add(run[len(run)-1])
	return kept
}
