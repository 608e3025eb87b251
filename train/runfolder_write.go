package train

import (
	"encoding/json"
	"math"
	"sort"
)

// marshal writes v as Python's json.dump(indent=…, sort_keys=True) does, with
// a final line feed. NaN and infinities in maps become null, named in the
// map's "nonfinite".
func marshal(v any, indent string) ([]byte, error) {
	var out bytesBuffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(finite(v))
	return out, err
}

type bytesBuffer []byte

func (b *bytesBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// finite copies maps and lists with every NaN and infinity replaced.
func finite(v any) any {
	switch v := v.(type) {
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = finite(v[i])
		}
		return list
	case []float64:
		list := make([]any, len(v))
		for i, x := range v {
			if list[i] = x; math.IsNaN(x) || math.IsInf(x, 0) {
				list[i] = nil
			}
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = finite(v[i])
		}
		return list
	case map[string]any:
		return finiteMap(v)
	}
	return v
}

func finiteMap(v map[string]any) map[string]any {
	out := make(map[string]any, len(v))
	var bad []string
	for key, value := range v {
		if x, ok := value.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			bad = append(bad, key+"="+nonfinite(x))
			out[key] = nil
			continue
		}
		out[key] = finite(value)
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		out["nonfinite"] = bad
	}
	return out
}
