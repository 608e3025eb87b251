// Package rooms holds no code: its test keeps the imports of the project going
// one way.
package rooms

import (
	"os/exec"
	"strings"
	"testing"
)

// floors lists the packages from the ground up. A package imports only
// packages of lower floors.
var floors = [][]string{
	{"internal/fault", "internal/rng", "internal/par", "internal/fmath", "internal/profile", "internal/licenses", "internal/realdata", "asm/internal/coef", "asm/internal/hwfma", "asm/internal/neon", "internal/strictjson", "internal/bounded", "internal/mapped", "internal/tfevents", "internal/plural"},
	{"asm", "safetensors", "tokenizer", "stats", "internal/files", "internal/strictyaml"},
	{"tensor", "checkpoint", "torchfile", "tokenizer/learn", "internal/files/faulty", "hub", "hub/fake"},
	{"autograd", "hub/fetch"},
	{"nn", "optim"},
	{"bert", "pac", "glue", "corpus"},
	{"train", "submission", "parquet"},
	{"pretrain", "sweep"},
	{"classify", "bench", "embedded", "plot", "compare"},
	{"report"},
	{"cmd/pactune"},
}

// only holds the packages that may import less than all lower floors: glue,
// corpus and learn know no tensors, plot and report only the files of a run, checkpoint no
// models.
var only = map[string][]string{
	"stats":           {"internal/rng", "internal/fmath"},
	"glue":            {"tokenizer", "stats", "internal/fault", "internal/rng", "internal/strictjson", "internal/plural"},
	"corpus":          {"tokenizer", "internal/fault", "internal/rng", "internal/par", "internal/fmath", "internal/plural"},
	"plot":            {"internal/bounded", "internal/fault", "internal/strictjson"},
	"compare":         {"train", "glue", "stats", "internal/bounded", "internal/fault", "internal/strictjson"},
	"report":          {"plot", "compare", "stats", "safetensors", "internal/bounded", "internal/fault", "internal/strictjson", "internal/plural"},
	"sweep":           {"train", "internal/files", "internal/bounded", "internal/fault", "internal/strictjson", "internal/strictyaml", "internal/plural"},
	"submission":      {"glue", "internal/fault", "internal/plural"},
	"parquet":         {"glue"},
	"checkpoint":      {"safetensors", "internal/files", "internal/bounded", "internal/fault", "internal/plural"},
	"tokenizer/learn": {"tokenizer", "internal/fault", "internal/par"},
	"hub":             {"safetensors", "internal/bounded", "internal/fault"},
	"hub/fetch":       {"hub", "safetensors", "internal/files", "internal/bounded", "internal/fault", "internal/strictjson"},
}

func floorOf(pkg string) int {
	for i, f := range floors {
		for _, p := range f {
			if pkg == p {
				return i
			}
		}
	}
	return -1
}

func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "pactune/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "pactune/")
		if pkg == "internal/rooms" || strings.Contains(pkg, "internal/gen") {
			continue
		}
		floor := floorOf(pkg)
		if floor < 0 {
			t.Errorf("%s stands on no floor: add it to the list", pkg)
			continue
		}
		for _, imp := range fields[1:] {
			check(t, pkg, floor, imp)
		}
	}
}

func check(t *testing.T, pkg string, floor int, imp string) {
	name, ours := strings.CutPrefix(imp, "pactune/")
	if imp == "C" {
		t.Errorf("%s imports C; the project has no cgo", pkg)
	}
	if (imp == "net" || imp == "net/http" || strings.HasPrefix(imp, "net/http/")) && pkg != "hub/fetch" && pkg != "hub/fake" {
		t.Errorf("%s imports %s; only hub/fetch knows a network", pkg, imp)
	}
	if !ours {
		return
	}
	if f := floorOf(name); f >= floor {
		t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, floor, name, f)
	}
	if allowed, ok := only[pkg]; ok {
		for _, a := range allowed {
			if a == name {
				return
			}
		}
		t.Errorf("%s imports %s; it may import only %v", pkg, name, allowed)
	}
}

// The libraries know nothing of the data inside the binary, nor of a network.
func TestLibrariesAreSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "pactune/classify", "pactune/train").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "pactune/embedded" || dep == "runtime/cgo" || dep == "net/http" {
			t.Errorf("the libraries depend on %s", dep)
		}
	}
}
