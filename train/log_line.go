package train

import (
	"math"
	"strconv"

	"pactune/internal/tfevents"
)

// line writes one JSON object into a buffer that it keeps, without allocating
// once the buffer has grown. JSON has no NaN and no infinity: such a value is
// written as null and named in "nonfinite", as in {"loss":null,
// "nonfinite":["loss=NaN"]}.
type line struct {
	b     []byte
	bad   []byte
	event *tfevents.Event // takes the numbers too, nil for none
	split string          // the group of their tags
}

func (l *line) open() {
	l.b = append(l.b[:0], '{')
	l.bad = l.bad[:0]
}

// close ends the object and returns it with its line feed.
func (l *line) close() []byte {
	if len(l.bad) > 0 {
		l.key("nonfinite")
		l.b = append(l.b, '[')
		l.b = append(l.b, l.bad...)
		l.b = append(l.b, ']')
	}
	l.b = append(l.b, '}', '\n')
	return l.b
}

func (l *line) key(name string) {
	if len(l.b) > 1 {
		l.b = append(l.b, ',')
	}
	l.b = strconv.AppendQuote(l.b, name)
	l.b = append(l.b, ':')
}

func (l *line) int(name string, v int) {
	l.key(name)
	l.b = strconv.AppendInt(l.b, int64(v), 10)
}

func (l *line) bool(name string, v bool) {
	l.key(name)
	l.b = strconv.AppendBool(l.b, v)
}

func (l *line) ints(name string, v []int) {
	l.key(name)
	l.b = append(l.b, '[')
	for i, x := range v {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = strconv.AppendInt(l.b, int64(x), 10)
	}
	l.b = append(l.b, ']')
}

func (l *line) number(name string, v float64) {
	l.key(name)
	l.value(name, v)
	if l.event != nil {
		l.event.Scalar(l.split, name, v)
	}
}

func (l *line) numbers(name string, v []float64) {
	l.key(name)
	l.b = append(l.b, '[')
	for i, x := range v {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.value(name, x)
	}
	l.b = append(l.b, ']')
}

func (l *line) value(name string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		l.b = strconv.AppendFloat(l.b, v, 'g', -1, 64)
		return
	}
	l.b = append(l.b, "null"...)
	if len(l.bad) > 0 {
		l.bad = append(l.bad, ',')
	}
	l.bad = append(l.bad, '"')
	l.bad = append(l.bad, name...)
	l.bad = append(l.bad, '=')
	l.bad = append(l.bad, nonfinite(v)...)
	l.bad = append(l.bad, '"')
}

func (l *line) text(name, v string) {
	l.key(name)
	l.b = appendJSONString(l.b, v)
}

// appendJSONString quotes s as JSON does; bad UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20 || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// nonfinite spells a value as Python does.
func nonfinite(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case v > 0:
		return "Infinity"
	}
	return "-Infinity"
}
