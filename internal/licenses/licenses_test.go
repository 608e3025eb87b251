package licenses

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The program carries a licence of each module that go list finds in it, and of
// no other.
func TestEveryModuleHasItsLicence(t *testing.T) {
	want := []string{"go", "pactune"}
	for _, system := range []string{"linux", "windows", "darwin"} {
		c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "pactune/cmd/pactune")
		c.Env = append(os.Environ(), "GOOS="+system)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
		}
		want = append(want, strings.Fields(string(out))...)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var got []string
	for _, l := range All() {
		if strings.HasPrefix(l.File, "LICEN") {
			got = append(got, l.Module)
		}
		if len(l.Text) < 200 {
			t.Errorf("%s of %s has %d bytes", l.File, l.Module, len(l.Text))
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("licences of\n%v\nbut the program is built from\n%v\nrun go generate ./internal/licenses", got, want)
	}
	own, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(All(), func(l Licence) bool { return l.Module == "pactune" && l.Text == string(own) }) {
		t.Error("the project's own LICENSE is not the one that the program carries")
	}
}
