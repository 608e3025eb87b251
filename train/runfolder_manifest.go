package train

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// Version is the program's, by semantic versioning.
const Version = "0.1.0"

// DataFile is one file that a run read.
type DataFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Rows   int    `json:"rows"`
	Use    string `json:"use"` // "train" or "validation"
}

// ModelFile is the checkpoint that a run started from.
type ModelFile struct {
	Path   string // its folder
	SHA256 string // of its weights
}

// Build says which program this is: version, commit and the Go that built it.
func Build() map[string]string {
	b := map[string]string{"version": Version, "go": runtime.Version(),
		"platform": runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b["commit"] = s.Value
		case "vcs.modified":
			b["modified"] = s.Value
		case "GOAMD64", "GOARM64":
			b[s.Key] = s.Value
		case "-tags":
			b["tags"] = s.Value
		}
	}
	return b
}

// CPU names the processor.
func CPU() string {
	if cpuid.CPU.BrandName != "" {
		return cpuid.CPU.BrandName
	}
	return runtime.GOARCH
}

// manifestName is the file of a run's folder that says what the run is.
const manifestName = "run.json"

// Manifest is run.json: all that is needed to tell what a run was and to do
// it again.
func Manifest(s *Finish) map[string]any {
	m := map[string]any{
		"program":     "pactune",
		"build":       Build(),
		"cpu":         CPU(),
		"isa":         s.Plan.ISA,
		"kernel":      s.Plan.Kernel,
		"precision":   s.Plan.Precision,
		"threads":     s.Plan.Threads,
		"argv":        withoutSecrets(s.Argv),
		"cwd":         workingFolder(),
		"environment": environmentUsed(),
		"config":      s.Config.Values(),
		"config_from": sources(s.Config),
		"data":        dataFiles(s.Data),
		"model":       map[string]any{"path": s.Model.Path, "sha256": s.Model.SHA256, "parameters": s.Plan.Parameters, "trainable": s.Plan.Trainable},
		"seeds":       map[string]any{"seed": s.Config.Seed, "data_seed": s.Config.DataSeed, "sample_seed": s.Config.SampleSeed},
		"run_name":    s.Config.RunName,
		"start":       s.Start.UTC().Format(time.RFC3339),
		"end":         s.End.UTC().Format(time.RFC3339),
		"steps":       s.Result.Steps,
		"exit":        s.Exit,
		"notes":       append([]string{}, s.Notes...),
	}
	if len(s.Plan.Majority.Value) > 0 {
		m["majority"] = s.Plan.Majority.Value
	}
	m["memory"] = map[string]any{"forecast_bytes": s.Plan.Memory.Total(), "available_bytes": s.Plan.MemoryLimit, "parts": s.Plan.Memory.parts()}
	m["disk"] = map[string]any{"forecast_bytes": s.Plan.Disk.Total(), "free_bytes": s.Plan.Disk.Free}
	if rss := PeakRSS(); rss > 0 {
		m["peak_rss_bytes"] = rss
	}
	if s.K != nil {
		m["k_table"] = map[string]any{"sigma": anys(s.KSigma), "K": anys(s.K)}
	}
	return m
}

// workingFolder is the folder from which relative paths count, "" if it is gone.
func workingFolder() string {
	dir, _ := os.Getwd()
	return dir
}

func anys(v []float64) []any {
	list := make([]any, len(v))
	for i := range v {
		list[i] = v[i]
	}
	return list
}

func sources(c *Config) map[string]any {
	from := map[string]any{}
	for i := range listed {
		from[listed[i].Name] = c.From(listed[i].Name)
	}
	return from
}

func dataFiles(files []DataFile) []map[string]any {
	list := []map[string]any{}
	for _, f := range files {
		list = append(list, map[string]any{"path": f.Path, "sha256": f.SHA256, "rows": f.Rows, "use": f.Use})
	}
	return list
}

// environmentUsed holds the variables of the table that are set and not private.
func environmentUsed() map[string]any {
	used := map[string]any{}
	for _, e := range environment {
		if v, ok := os.LookupEnv(e.Name); ok && !e.private {
			used[e.Name] = v
		}
	}
	return used
}

// withoutSecrets drops the value of --token, which other tools take.
func withoutSecrets(argv []string) []string {
	clean := append([]string{}, argv...)
	for i, a := range clean {
		if strings.HasPrefix(a, "--token=") {
			clean[i] = "--token=…"
		} else if a == "--token" && i+1 < len(clean) {
			clean[i+1] = "…"
		}
	}
	return clean
}
