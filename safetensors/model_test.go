package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
)

const (
	part1 = "model-00001-of-00002.safetensors"
	part2 = "model-00002-of-00002.safetensors"
)

// parts writes a model of two parts, and the index.
func parts(t *testing.T, dir, index string) {
	t.Helper()
	save(t, filepath.Join(dir, part1), FromFloat32s("a", []int{2}, []float32{1, 2}))
	save(t, filepath.Join(dir, part2), FromFloat32s("b", []int{1}, []float32{3}), FromFloat32s("c", []int{1}, []float32{4}))
	if err := os.WriteFile(filepath.Join(dir, indexFile), []byte(index), 0o644); err != nil {
		t.Fatal(err)
	}
}

func indexOf(total string, pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, fmt.Sprintf("%q:%q", pairs[i], pairs[i+1]))
	}
	return fmt.Sprintf(`{"metadata":{"total_size":%s,"total_parameters":4},"weight_map":{%s}}`, total, strings.Join(list, ","))
}

func TestModelInParts(t *testing.T) {
	dir := t.TempDir()
	parts(t, dir, indexOf("16", "c", part2, "a", part1, "b", part2))
	for name, open := range map[string]func() (*File, error){
		"folder": func() (*File, error) { return OpenModel(dir) },
		"fs":     func() (*File, error) { return OpenModelFS(os.DirFS(filepath.Dir(dir)), filepath.Base(dir)) },
	} {
		f, err := open()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := strings.Join(f.Names(), ""); got != "abc" || f.Metadata()["file"] != part1 {
			t.Errorf("%s: names %q, metadata %v", name, got, f.Metadata())
		}
		for i, want := range []float32{1, 3, 4} {
			x, ok := f.Tensor("abc"[i : i+1])
			got := make([]float32, x.Elements())
			if err := x.Float32s(got); !ok || err != nil || got[0] != want {
				t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
			}
		}
		if _, ok := f.Tensor("d"); ok {
			t.Errorf("%s: found what is not there", name)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestModelInOneFile(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenModel(dir)
	check(t, "nothing", err, dir, "no weights found", singleFile, indexFile)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not os.ErrNotExist", err)
	}
	parts(t, dir, "{}")
	save(t, filepath.Join(dir, singleFile), FromFloat32s("whole", nil, []float32{1}))
	f, err := OpenModel(dir) // before the index, as in transformers
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.Tensor("whole"); !ok {
		t.Error("the one file was not read")
	}
}

func TestRefusedIndexes(t *testing.T) {
	var many []string
	for i := 0; i < 2000; i++ {
		many = append(many, fmt.Sprint("t", i), fmt.Sprintf("p%d.safetensors", i))
	}
	full := []string{"a", part1, "b", part2, "c", part2}
	for _, c := range []struct {
		name, index string
		want        []string
	}{
		{"upwards", indexOf("16", "a", "../x.safetensors"), []string{`"a"`, `"../x.safetensors"`, "plain name"}},
		{"dots", indexOf("16", "a", ".."), []string{`".."`}},
		{"absolute", indexOf("16", "a", "/etc/passwd"), []string{`"/etc/passwd"`}},
		{"folder", indexOf("16", "a", "sub/x.safetensors"), []string{"plain name"}},
		{"drive", indexOf("16", "a", "C:x.safetensors"), []string{`"C:x.safetensors"`}},
		{"share", indexOf("16", "a", `\\host\x`), []string{"plain name"}},
		{"line break", indexOf("16", "a", "x\n"), []string{"plain name"}},
		{"empty name", indexOf("16", "a", ""), []string{`""`, "plain name"}},
		{"NUL", `{"weight_map":{"a":"x\u0000"}}`, []string{"plain name"}},
		{"missing part", indexOf("16", "a", part1, "b", "gone.safetensors"), []string{"gone.safetensors"}},
		{"missing tensor", indexOf("16", append(full, "d", part2)...), []string{`"d"`, part2, "does not have it"}},
		{"unlisted tensor", indexOf("16", "a", part1, "b", part2), []string{`"c"`, `does not name`}},
		{"other part", indexOf("16", "a", part2, "b", part2, "c", part1), []string{"puts in"}},
		{"wrong total", indexOf("17", full...), []string{"total_size", "found 17", "16 bytes"}},
		{"total is text", indexOf(`"16"`, full...), []string{"expected a number"}},
		{"tensor twice", indexOf("16", append(full, "a", part2)...), []string{`"a" twice`}},
		{"total twice", `{"metadata":{"total_size":16,"total_size":16}}`, []string{`"total_size" twice`}},
		{"map twice", `{"weight_map":{"a":"x"},"weight_map":{}}`, []string{`"weight_map" twice`}},
		{"no map", `{"metadata":{}}`, []string{"no weight_map"}},
		{"file is a number", `{"weight_map":{"a":1}}`, []string{`'1'`}},
		{"many parts", indexOf("16", many...), []string{"2000 files", "at most 1024"}},
		{"no JSON", "x", []string{`'x'`}},
	} {
		dir := t.TempDir()
		parts(t, dir, c.index)
		_, err := OpenModel(dir)
		check(t, c.name, err, append(c.want, dir)...)
		files := fstest.MapFS{}
		for _, name := range []string{part1, part2, indexFile} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files["m/"+name] = &fstest.MapFile{Data: data}
		}
		_, err = OpenModelFS(files, "m")
		check(t, c.name, err, append(c.want, "m/")...)
	}
}

// A part may be a link inside the folder, or into the cache that the folder is
// part of, and nowhere else.
func TestPartsBehindLinks(t *testing.T) {
	cache := t.TempDir()
	home, blobs, out := filepath.Join(cache, "snapshots", "1"), filepath.Join(cache, "blobs"), filepath.Join(cache, "out")
	for _, dir := range []string{home, blobs, out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	parts(t, home, indexOf("16", "a", part1, "b", part2, "c", part2))
	move := func(to string) {
		t.Helper()
		target := filepath.Join(to, "blob")
		if err := os.Rename(filepath.Join(home, part1), target); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(home, part1)); err != nil {
			t.Skip(err)
		}
	}
	move(blobs)
	f, err := OpenModel(home)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Remove(filepath.Join(home, part1)); err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(home, part1), FromFloat32s("a", []int{2}, []float32{1, 2}))
	move(out)
	_, err = OpenModel(home)
	check(t, "link out", err, part1, "found a link to", filepath.Join(out, "blob"))
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(indexOf("16", "a", part1, "b", part2)))
	var many []string
	for i := range maxParts + 1 {
		many = append(many, fmt.Sprint(i), fmt.Sprint("part", i))
	}
	f.Add([]byte(indexOf("16", many[:2*maxParts]...)))
	f.Add([]byte(indexOf("16", many...)))
	for _, text := range []string{
		`{"weight_map":{"a":"../x"}}`, `{"weight_map":{"a":".."}}`, `{"weight_map":{"a":""}}`, `{"weight_map":{"a":"x\\y"}}`,
		`{"weight_map":{"a":"x","a":"y"}}`, `{"weight_map":{"a":"x"},"weight_map":{"b":"y"}}`, `{"weight_map":{"a":"x","\u0061":"y"}}`,
		`{"weight_map":{}}`, `{"weight_map":[]}`, `{"weight_map":{"a":null}}`, `{"Weight_map":{"a":"x"}}`, `{}`, `[]`, ``,
		`{"metadata":{"total_size":1,"total_size":2},"weight_map":{"a":"x"}}`, `{"metadata":{"total_size":-1},"weight_map":{"a":"x"}}`,
		`{"metadata":{"total_size":1e3},"weight_map":{"a":"x"}}`, `{"metadata":{"total_size":9007199254740993},"weight_map":{"a":"x"}}`,
		`{"metadata":null,"weight_map":{"a":"x"}}`, `{"metadata":{"total_size":4,"more":[1,{"b":[true,null,-0.5e-3]}]},"weight_map":{"é\ud83d\ude00\ud800":"x"}}`,
		` { "other" : [ [ ] , { } , "\n" ] , "weight_map" : { "a" : "x" } } `, `{"weight_map":{"a":"x"}} x`, "{\"weight_map\":{\"\xff\":\"x\"}}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex("m", data)
		if err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		for _, part := range x.parts {
			if part != filepath.Base(part) || part == "." || part == ".." || strings.ContainsAny(part, `/\:`) {
				t.Fatalf("accepted the part %q", part)
			}
		}
		var all map[string]json.RawMessage
		var weights map[string]string
		if json.Unmarshal(data, &all) != nil || json.Unmarshal(all["weight_map"], &weights) != nil || !maps.Equal(weights, x.partOf) || len(x.parts) > maxParts {
			t.Fatalf("%q was taken for %v in %d parts", data, x.partOf, len(x.parts))
		}
	})
}
