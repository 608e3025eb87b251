package torchfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// An index leads to no file but those of its folder: not by a path, and not by a
// link. The file outside is a good one, so that only the rule can refuse it.
func TestHostileIndexes(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "good.bin")
	write(t, outside, model{}.zip())
	dir := t.TempDir()
	write(t, filepath.Join(dir, "part.bin"), model{}.zip())
	if err := os.Symlink(outside, filepath.Join(dir, "link.bin")); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(dir, outside)
	if err != nil {
		t.Fatal(err)
	}
	list := func(part string) string { return `{"weight_map":{"w":"` + part + `"}}` }
	for _, c := range []struct{ name, index, want string }{
		{"path upwards", list(relative), "expected a plain name"},
		{"absolute path", list(outside), "expected a plain name"},
		{"escaped path", list(strings.ReplaceAll(relative, "/", `\u002f`)), "expected a plain name"},
		{"path of Windows", list(`..\\good.bin`), "expected a plain name"},
		{"drive", list("C:good.bin"), "expected a plain name"},
		{"NUL", list(`part.bin\u0000.txt`), "expected a plain name"},
		{"the folder", list("."), "expected a plain name"},
		{"link out of the folder", list("link.bin"), "found a link to"},
		{"folder as a part", list("folder.bin"), "expected a file"},
		{"part that is not there", list("none.bin"), "cannot be opened"},
		{"tensor of another part", `{"weight_map":{"w":"part.bin","v":"part.bin"}}`, "does not have it"},
		{"tensor that is not listed", `{"weight_map":{"v":"part.bin"}}`, "does not name"},
		{"tensor twice", `{"weight_map":{"w":"part.bin","w":"link.bin"}}`, "twice"},
		{"no list", `{}`, "no weight_map"},
		{"something else", "\x80\x02cos\nsystem\n", "byte 0"},
	} {
		write(t, filepath.Join(dir, index), []byte(c.index))
		f, err := OpenModel(dir)
		if f != nil || fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got the error %v, want one of kind Model that says %q", c.name, err, c.want)
		}
	}
	write(t, filepath.Join(dir, index), []byte(list("part.bin")))
	f, err := OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
