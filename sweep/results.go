package sweep

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// writeResults writes a line for each run in the order of the plan: its folder, its
// point of each axis, its seeds, how it ended, and its final metrics as
// all_results.json has them, but for those that tell of time.
func (p *Plan) writeResults(state []string) error {
	metrics := make([]map[string]json.Number, len(p.Runs))
	var names []string
	for i := range p.Runs {
		if state[i] != finished {
			continue
		}
		var err error
		if metrics[i], err = readMetrics(p.path(p.Runs[i].Folder, "all_results.json")); err != nil {
			return err
		}
		for name := range metrics[i] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(slices.Concat([]string{"folder"}, p.Axes, []string{"seed", "sample_seed", "exit", "steps"}, names))
	for i, r := range p.Runs {
		row := slices.Concat([]string{r.Folder}, r.Labels, []string{strconv.FormatUint(r.Seed, 10), strconv.FormatUint(r.SampleSeed, 10), state[i], ""})
		if state[i] != failed {
			row[len(row)-1] = strconv.Itoa(p.readManifest(&r).Steps)
		}
		for _, name := range names {
			row = append(row, metrics[i][name].String())
		}
		w.Write(row)
	}
	w.Flush() // into memory
	return p.write(resultsName, b.Bytes())
}

// readMetrics reads the numbers of a finished run that do not depend on the clock.
func readMetrics(path string) (map[string]json.Number, error) {
	text, err := bounded.ReadFile(nil, path, bounded.Settings)
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: cannot read the results of a finished run: %w", path, err)
	}
	if err := strictjson.Check(text); err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	metrics := map[string]json.Number{}
	for name, value := range all {
		number, ok := value.(json.Number)
		if plain := strings.TrimSuffix(name, "_mm"); ok && !strings.HasSuffix(plain, "_runtime") && !strings.HasSuffix(plain, "_per_second") {
			metrics[name] = number
		}
	}
	return metrics, nil
}
