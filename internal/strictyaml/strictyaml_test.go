package strictyaml

import (
	"strings"
	"testing"

	"pactune/internal/fault"
)

func TestValuesAsTheyAreWritten(t *testing.T) {
	v, err := Parse("a.yaml", []byte("# settings\nseeds: 1..30\nrates: [1e-5, 010, yes, 'x y']\ngrid:\n  b: {c: 0x1f}\n  a: 2020-01-01\n"))
	if err != nil {
		t.Fatal(err)
	}
	members, err := v.Members("seeds", "rates", "grid", "other")
	if err != nil || len(members) != 3 || members[2].Name != "grid" {
		t.Fatalf("%v, %v", members, err)
	}
	if text, err := members[0].Value.Text(); text != "1..30" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	list, err := members[1].Value.List()
	if err != nil || len(list) != 4 {
		t.Fatal(list, err)
	}
	for i, want := range []string{"1e-5", "010", "yes", "x y"} {
		if text, err := list[i].Text(); text != want || err != nil {
			t.Errorf("%q, %v; want %q", text, err, want)
		}
	}
	grid, err := members[2].Value.Members()
	if err != nil || grid[0].Name != "b" || grid[1].Name != "a" || !grid[0].Value.IsMap() {
		t.Fatal(grid, err)
	}
	if text, err := grid[1].Value.Text(); text != "2020-01-01" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestRefused(t *testing.T) {
	for text, says := range map[string]string{
		"":                            "g.yaml: the file is empty",
		"# nothing\n":                 "g.yaml: the file is empty",
		"a: 1\nb: 2\na: 3\n":          `g.yaml: line 3: found the key "a" twice, first in line 1`,
		"a:\n  - b: 1\n    b: 2\n":    `g.yaml: line 3: found the key "b" twice, first in line 2`,
		"a: &x 1\nb: *x\n":            "g.yaml: line 1: found an anchor or an alias",
		"a: {<<: {b: 1}}\n":           "g.yaml: line 1: found a merged map",
		"a: !!str 1\n":                "g.yaml: line 1: found the tag !!str",
		"a: 1\n---\nb: 2\n":           "g.yaml: line 2: found a second document",
		"? [a, b]\n: 1\n":             "g.yaml: line 1: found a list as a key",
		"a: [1\n":                     "g.yaml: line 1: did not find expected",
		"a: 1\n b: 2\n":               "g.yaml: line 2: mapping values are not allowed",
		"a: \xff\n":                   "g.yaml: ",
		"a: 1\nb: 2\nz: 3\n":          `g.yaml: line 3: unknown key "z": expected one of a, b`,
		"- a\n- b\n":                  "g.yaml: line 1: found a list; expected a map",
		strings.Repeat("[", 200_000):  "g.yaml: ",
		"a: 1\n\tb: 2\n":              "g.yaml: line 2: found a tab character",
		"a: \"\x01\"\n":               "g.yaml: ",
		strings.Repeat("a: {", 99999): "g.yaml: ",
	} {
		v, err := Parse("g.yaml", []byte(text))
		if err == nil {
			_, err = v.Members("a", "b")
		}
		if fault.KindOf(err) != fault.Usage || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%.40q: %v; want %s", text, err, says)
		}
	}
	v, err := Parse("g.yaml", []byte("a:\nb: {c: 1}\nd: [1]\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := v.Members()
	_, none := m[0].Value.Text()
	_, object := m[1].Value.Text()
	_, list := m[2].Value.Text()
	_, single := m[0].Value.List()
	for i, found := range []struct {
		err  error
		says string
	}{{none, "g.yaml: line 1: found nothing; expected a single value"}, {object, "g.yaml: line 2: found a map; expected a single value"},
		{list, "g.yaml: line 3: found a list; expected a single value"}, {single, "g.yaml: line 1: found nothing; expected a list"}} {
		if found.err == nil || found.err.Error() != found.says {
			t.Errorf("%d: %v; want %s", i, found.err, found.says)
		}
	}
	if _, err := Read("none.yaml"); fault.KindOf(err) != fault.Data {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: 1\nb: [x, {c: d}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse("f.yaml", []byte(text))
		if err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("%v", err)
		}
		if err == nil {
			v.Members()
		}
	})
}
