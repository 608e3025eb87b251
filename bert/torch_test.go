package bert

import "testing"

// testdata/torch holds one BERT as transformers 4.46.3 writes it: as safetensors,
// as one file of torch.save with the names of old checkpoints, and in parts,
// recorded by testdata/generate/torch_fixture.py.
func TestPyTorchFilesGiveTheSameModel(t *testing.T) {
	load := func(dir string) *Model {
		c, err := Open("testdata/torch/" + dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		m, err := New(c.Config, HeadMLM, 0)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := c.Load(m, 1, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded.Unused) > 0 {
			t.Errorf("%s: unused are %q, want none", dir, loaded.Unused)
		}
		return m
	}
	want := load("safe")
	for _, dir := range []string{"old", "sharded"} {
		got := load(dir)
		for _, p := range want.Store.Params {
			if !equal(got, want, p.Name) {
				t.Errorf("%s: %s differs", dir, p.Name)
			}
		}
	}
}
