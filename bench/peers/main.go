// Command peers times matrix products of pactune and of others in one run, so
// that the same load of the machine weighs on all: of each shape everyone
// computes C = A·B in turn. It prints GFLOP/s of the best repetition of each
// and their share of the peak of fused multiply-adds.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"pactune/asm"
	"pactune/bench"
	"pactune/internal/rng"
	"pactune/tensor"
	"pactune/train"
)

func main() {
	threads := flag.Int("threads", 0, "threads; 0: every physical core that the process may use")
	rounds := flag.Int("rounds", 10, "repetitions of each, in turn")
	small := flag.Bool("small", false, "only the small shapes: a check that all work")
	names := flag.String("peers", "gonum,vek,go-highway,gomlx", "who to compare with")
	flag.Parse()
	*threads = train.Threads(*threads)
	runtime.GOMAXPROCS(*threads)
	fmt.Printf("%s, %s, pactune's kernels %v, %d threads\n\n", train.CPU(), runtime.Version(), asm.Active(), *threads)
	chosen, err := choose(*names)
	for _, s := range bench.Shapes {
		if m, n, k := s[0], s[1], s[2]; err == nil && (!*small || m*n*k < 1e7) {
			err = compare(chosen, *threads, *rounds, m, n, k)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// choose returns pactune and the peers of a list of names.
func choose(names string) ([]peer, error) {
	chosen := peers[:1:1]
	for _, name := range strings.Split(names, ",") {
		i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-peers: there is no %q", name)
		}
		chosen = append(chosen, peers[i])
	}
	return chosen, nil
}

// compare prints a line for everyone, or an error when a product is wrong.
func compare(peers []peer, threads, rounds, m, n, k int) error {
	a, b := operand(m*k, 1), operand(k*n, 2)
	products, best := make([]product, len(peers)), make([]float64, len(peers))
	var want []float32
	for i, p := range peers {
		got := make([]float32, m*n)
		products[i], best[i] = p.make(threads, m, n, k, a, b, got), math.Inf(1)
		products[i].run()
		if products[i].result != nil {
			got = products[i].result()
		}
		if want == nil {
			want = got
		}
		for j := range want {
			// k products of numbers near 1, summed in another order
			if d := math.Abs(float64(got[j] - want[j])); !(d <= 1e-5*float64(k)) {
				return fmt.Errorf("%s, %dx%dx%d: element %d is %v, of pactune %v", p.name, m, n, k, j, got[j], want[j])
			}
		}
	}
	flops := 2 * float64(m) * float64(n) * float64(k)
	times := int(math.Ceil(5e7 / flops)) // of small ones many in one repetition
	peak := bench.Peak(asm.ActiveKernel(), threads)
	for range rounds {
		for i := range peers {
			start := time.Now()
			for range times {
				products[i].run()
			}
			best[i] = min(best[i], time.Since(start).Seconds()/float64(times))
		}
	}
	peak = max(peak, bench.Peak(asm.ActiveKernel(), threads))
	fmt.Printf("%dx%dx%d, peak %.1f GFLOP/s\n", m, n, k, peak)
	for i, p := range peers {
		speed := flops / best[i] / 1e9
		fmt.Printf("  %-12s %8.1f GFLOP/s %6.1f %%\n", p.name, speed, 100*speed/peak)
	}
	return nil
}

func operand(n int, row uint32) []float32 {
	x := make([]float32, n)
	tensor.Normals(x, rng.NewKey(1, rng.StreamInit, 0), row, 0, false)
	return x
}
