package train

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// units in the order in which ParseSize looks for them: KiB before K and B.
var units = []struct {
	name  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1}, {"", 1},
}

// ParseSize reads a number of bytes with a unit: 12GiB, 500 MB, 4g (binary, as
// in docker), 1048576.
func ParseSize(text string) (Size, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v >= 0) || v*u.bytes >= 1<<62 {
			return 0, false
		}
		return Size(v * u.bytes), true
	}
	return 0, false
}

// String writes three digits and a binary unit: 3.42 GiB, 41.0 MiB.
func (s Size) String() string {
	number, unit := s.in()
	return number + " " + unit
}

func (s Size) in() (number, unit string) {
	v := float64(s) / (1 << 20)
	if v < 1000 {
		return threeDigits(v), "MiB"
	}
	return threeDigits(v / (1 << 10)), "GiB"
}

func threeDigits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// of writes s as a part of limit, 0 when that is not known.
func (s Size) of(limit Size) string {
	number, unit := s.in()
	total, large := limit.in()
	switch {
	case limit == 0:
		return number + " " + unit
	case unit == large:
		return fmt.Sprintf("%s %s of %s", number, unit, total)
	}
	return fmt.Sprintf("%s %s of %s %s", number, unit, total, large)
}
