package checkpoint

import (
	"testing"

	"pactune/internal/files"
)

// BenchmarkSave and BenchmarkLatest tell bytes a second, of weights with their
// two moments.
func BenchmarkSave(b *testing.B) {
	dir, c := b.TempDir(), large()
	b.SetBytes(3 * 4 << 24)
	b.ResetTimer()
	for range b.N {
		if err := Rewind(files.OS, dir, -1); err != nil {
			b.Fatal(err)
		}
		if _, err := Save(files.OS, dir, 1, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLatest(b *testing.B) {
	dir, c := b.TempDir(), large()
	if _, err := Save(files.OS, dir, 1, c); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(3 * 4 << 24)
	b.ResetTimer()
	for range b.N {
		if _, _, err := Latest(files.OS, dir); err != nil {
			b.Fatal(err)
		}
	}
}

func large() Content {
	const n = 1 << 24
	array := func(name string) Array { return Of(name, []int{n}, make([]float32, n)) }
	return Content{Model: []Array{array("w")}, Optimizer: []Array{array("w.m"), array("w.v")}}
}
