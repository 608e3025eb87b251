package train

import (
	"strings"
	"time"
)

// Interval is a time between two things: a time.Duration that settings hold as
// text, as in 90s, 10m or 1h30m.
type Interval time.Duration

// ParseInterval reads an Interval, false for what is none.
func ParseInterval(text string) (Interval, bool) {
	d, err := time.ParseDuration(text)
	return Interval(d), err == nil && d >= 0
}

// String is text that ParseInterval reads, without the units that are 0.
func (i Interval) String() string {
	text := time.Duration(i).String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// MarshalText lets JSON hold the text.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }
