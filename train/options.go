package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

//go:generate sh -c "go run ../cmd/pactune options > ../docs/OPTIONS.md"

// Option is one row of the table that parses the command line and prints
// --help and docs/OPTIONS.md.
type Option struct {
	Name    string // in snake_case, as Hugging Face spells it where it has one
	Group   string
	Default string
	Help    string
	Other   []string // other accepted names
	rule    rule
	bind    func(*Config) any // pointer to the field; nil for the options of unlisted
	special func(c *Config, value string) error
	never   map[string]string // values that are refused with a reason
	boolean bool              // without a field, but may stand without a value
	in      int               // subcommands besides train
}

// Subcommands that take some of the options.
const (
	InEvaluate = 1 << iota
	InPredict
	InBench
	InFillMask
	InPretrain
	InResume
	InVocab
	InDownload
	InDebugData
	InSweep
	InTrain // every option
)

// A rule says which values an option allows, in words and as a test.
type rule struct {
	allowed string
	number  func(float64) bool
	words   []string
}

var (
	free     = rule{}
	positive = rule{allowed: "a number above 0", number: func(v float64) bool { return v > 0 }}
	epochsUp = rule{allowed: "a number from 0 to 1e6", number: func(v float64) bool { return v >= 0 && v <= 1e6 }}
	anEpoch  = rule{allowed: "a number above 0, at most 1e6", number: func(v float64) bool { return v > 0 && v <= 1e6 }}
	gamma    = rule{allowed: "a number from 0 to 1e12", number: func(v float64) bool { return v >= 0 && v <= 1e12 }}
	workers  = rule{allowed: "a whole number from 0 to 1024", number: func(v float64) bool { return v >= 0 && v <= 1024 }}
	zeroUp   = rule{allowed: "0 or a number above it", number: func(v float64) bool { return v >= 0 }}
	fraction = rule{allowed: "0 or more and below 1", number: func(v float64) bool { return v >= 0 && v < 1 }}
	fromOne  = rule{allowed: "a whole number from 1 up", number: func(v float64) bool { return v >= 1 }}
	maxSteps = rule{allowed: "a whole number from 1 up, or -1 for no limit", number: func(v float64) bool { return v >= 1 || v == -1 }}
)

func oneOf[S ~string](values ...S) rule {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return rule{allowed: "one of " + strings.Join(words, ", "), words: words}
}

// Boolean tells whether the option may stand without a value: --x, --no_x.
func (o *Option) Boolean() bool {
	if o.bind == nil {
		return o.boolean
	}
	_, ok := o.bind(&Config{}).(*bool)
	return ok
}

// assign parses value into the option's field.
func (o *Option) assign(c *Config, value string) error {
	if why := o.never[strings.ToLower(value)]; why != "" {
		return fault.Errorf(fault.Usage, "--%s %s: %s", o.Name, value, why)
	}
	switch p := o.bind(c).(type) {
	case *string:
		if lower := strings.ToLower(value); contains(o.rule.words, lower) {
			value = lower // run_glue takes a task in capitals too
		}
		if len(o.rule.words) > 0 && !contains(o.rule.words, value) && value != o.Default {
			return o.bad(value)
		}
		*p = value
	case *[]string:
		*p = splitList(value)
	case *map[string]float64:
		var numbers map[string]float64
		if json.Unmarshal([]byte(value), &numbers) != nil {
			return o.bad(value)
		}
		*p = numbers
	case *bool:
		b, ok := truth(value)
		if !ok {
			return o.bad(value)
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil && errors.Is(err, strconv.ErrRange) || n > math.MaxInt32 {
			return fault.Errorf(fault.Usage, "--%s %q: expected %s, at most %d", o.Name, value, o.expected(), math.MaxInt32)
		}
		if err != nil || !o.rule.takes(float64(n)) {
			return o.bad(value)
		}
		*p = n
	case *Size:
		n, ok := ParseSize(value)
		if !ok {
			return o.bad(value)
		}
		*p = n
	case *Interval:
		i, ok := ParseInterval(value)
		if !ok {
			return o.bad(value)
		}
		*p = i
	case *uint64:
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return o.bad(value)
		}
		*p = n
	case *float64:
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || !o.rule.takes(v) {
			return o.bad(value)
		}
		*p = v
	}
	return nil
}

// text is the inverse of assign.
func (o *Option) text(c *Config) string {
	switch p := o.bind(c).(type) {
	case *string:
		return *p
	case *[]string:
		return strings.Join(*p, ",")
	case *map[string]float64:
		text, _ := json.Marshal(*p)
		return string(text)
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *Size:
		return strconv.FormatInt(int64(*p), 10)
	case *Interval:
		return p.String()
	case *uint64:
		return strconv.FormatUint(*p, 10)
	case *float64:
		return strconv.FormatFloat(*p, 'g', -1, 64)
	}
	return ""
}

func (r rule) takes(v float64) bool { return r.number == nil || r.number(v) }

func (o *Option) bad(value string) error {
	return fault.Errorf(fault.Usage, "--%s %q: expected %s", o.Name, value, o.expected())
}

// expected says in words which values the option takes.
func (o *Option) expected() string {
	if o.bind == nil {
		return o.rule.text()
	}
	switch o.bind(&Config{}).(type) {
	case *bool:
		return "true or false"
	case *map[string]float64:
		return "a JSON object of numbers"
	case *uint64:
		return "a whole number from 0 up"
	case *int:
		if o.rule.allowed == zeroUp.allowed {
			return "a whole number from 0 up"
		}
	}
	return o.rule.text()
}

func (r rule) text() string {
	if r.allowed == "" {
		return "text"
	}
	return r.allowed
}

// truth reads a boolean in every form that run_glue takes.
func truth(value string) (b, ok bool) {
	switch strings.ToLower(value) {
	case "true", "yes", "t", "y", "1":
		return true, true
	case "false", "no", "f", "n", "0":
		return false, true
	}
	return false, false
}

func splitList(value string) []string {
	var list []string
	for _, s := range strings.Split(value, ",") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}

func contains(list []string, s string) bool {
	for _, w := range list {
		if w == s {
			return true
		}
	}
	return false
}

// lookup finds an option by any of its names; kebab-case is snake_case.
func lookup(table []Option, name string) (*Option, error) {
	plain := strings.ReplaceAll(name, "-", "_")
	for i := range table {
		if o := &table[i]; o.Name == plain || contains(o.Other, plain) {
			return o, nil
		}
	}
	message := fmt.Sprintf("unknown option --%s", name)
	if near := nearest(table, plain); near != "" {
		message += fmt.Sprintf(": did you mean --%s?", near)
	} else {
		message += ": --help lists the options"
	}
	return nil, fault.Errorf(fault.Usage, "%s", message)
}

// nearest returns the option whose name is the fewest edits away, "" when that
// is more than a third of the name.
func nearest(table []Option, name string) string {
	best, least := "", len(name)/3+1
	for i := range table {
		for _, known := range append([]string{table[i].Name}, table[i].Other...) {
			d := edits(name, known)
			// Half a name, as in --batch_size, or its words without one of
			// them, as in --num_epochs, count as near; --lr is its initials.
			if len(name) >= 5 && (strings.Contains(known, name) || wordsIn(name, known)) {
				d = min(d, 2)
			}
			if len(name) >= 2 && name == initials(known) {
				d = 0
			}
			if d < least {
				best, least = known, d
			}
		}
	}
	return best
}

// wordsIn tells whether the words of name stand in known, in their order.
func wordsIn(name, known string) bool {
	rest := strings.Split(known, "_")
	for _, word := range strings.Split(name, "_") {
		i := slices.Index(rest, word)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

func initials(name string) string {
	var first []byte
	for _, word := range strings.Split(name, "_") {
		first = append(first, word[:min(1, len(word))]...)
	}
	return string(first)
}

// edits is the number of insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func edits(a, b string) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
