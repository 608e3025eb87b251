package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pactune/internal/par"
	"pactune/internal/realdata"
	"pactune/tokenizer"
)

func realOptions(t testing.TB, files ...string) Options {
	t.Helper()
	data := realdata.Dir(t)
	tk, err := tokenizer.Load(os.DirFS(filepath.Join(data, "vocab")), "bert-base-uncased")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Tokenizer: tk, MaxLength: 128, Seed: 1, Probability: 0.15, MaskShare: 0.8, RandomShare: 0.1, HeldOut: 0.005, HeldOutTokens: 200_000}
	for _, f := range files {
		o.Files = append(o.Files, filepath.Join(data, "text", f))
	}
	return o
}

// Windows of Wikipedia: MB of text and tokens per second, unpacking included.
func BenchmarkWikipedia(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			pool := par.New(threads)
			defer pool.Close()
			begin := time.Now()
			c, err := Open(realOptions(b, "wikipedia-2015-a.txt.gz"), pool)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			b.Logf("Open: %.2fs, %+v", time.Since(begin).Seconds(), c.Stats())
			c.wait()
			b.ResetTimer()
			var w window
			var bytes, tokens int64
			for i := range b.N {
				w.number = i % c.Windows()
				if err := c.prepare(&w, pool); err != nil {
					b.Fatal(err)
				}
				bytes += c.windows[w.number].bytes
				tokens += int64(len(w.ids))
			}
			b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// Batches of a prepared window: copied and masked by the goroutine that trains.
func BenchmarkNext(b *testing.B) {
	c, err := Open(realOptions(b, "wikipedia-2015-a.txt.gz"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var batch Batch
	c.Grow(&batch, 32)
	c.wait()
	b.ReportAllocs()
	b.ResetTimer()
	tokens := 0
	for range b.N {
		if err := c.Seek(Position{}); err != nil {
			b.Fatal(err)
		}
		if err := c.Next(&batch, 32); err != nil {
			b.Fatal(err)
		}
		tokens += len(batch.IDs)
	}
	b.StopTimer()
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
