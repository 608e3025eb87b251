package plot

import (
	"math"
	"strconv"
	"strings"
)

// decades is the most that a logarithmic axis shows: what lies further below
// the highest value is drawn at the lower edge.
const decades = 6

// scale maps values to coordinates, lo to from and hi to to.
type scale struct {
	lo, hi   float64
	from, to float64
	log      bool
}

type tick struct {
	at    float64
	label string
}

func newScale(log bool) scale { return scale{lo: math.Inf(1), hi: math.Inf(-1), log: log} }

func (s *scale) include(v float64) { s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v) }

// near tells whether v lies within twice the range of the data, so that
// showing it does not press the data flat.
func (s *scale) near(v float64) bool {
	if s.lo > s.hi {
		return true
	}
	lo, hi, at := s.lo, s.hi, v
	if s.log {
		lo, hi, at = math.Log10(math.Max(lo, hi*1e-6)), math.Log10(hi), math.Log10(v)
	}
	room := math.Max(2*(hi-lo), 0.5*math.Abs(hi))
	if s.log {
		room = math.Max(2*(hi-lo), 1)
	}
	return at >= lo-room && at <= hi+room
}

// settle adds a margin to the range of the data; an axis of positive values
// that come near zero starts at zero.
func (s *scale) settle() {
	if s.lo > s.hi {
		return
	}
	if s.log {
		s.lo = math.Max(s.lo, s.hi*math.Pow(10, -decades))
		margin := math.Pow(s.hi/s.lo, 0.06)
		if margin < 1.02 {
			margin = 1.02
		}
		s.lo, s.hi = s.lo/margin, s.hi*margin
		return
	}
	margin := 0.06 * (s.hi - s.lo)
	zero := s.lo >= 0 && s.lo < 0.3*s.hi
	s.lo, s.hi = s.lo-margin, s.hi+margin
	if zero {
		s.lo = 0
	}
}

// fill gives an axis without a range one, around its only value if it has one.
func (s *scale) fill() {
	switch {
	case s.lo < s.hi:
	case s.lo > s.hi && s.log:
		s.lo, s.hi = 0.1, 10
	case s.lo > s.hi:
		s.lo, s.hi = 0, 1
	case s.log:
		s.lo, s.hi = s.lo/2, s.hi*2
	default:
		room := 0.5 * math.Abs(s.lo)
		if room == 0 {
			room = 1
		}
		s.lo, s.hi = s.lo-room, s.hi+room
	}
}

func (s *scale) holds(v float64) bool { return v >= s.lo && v <= s.hi }

// at is the coordinate of v; what lies outside is drawn at the edge.
func (s *scale) at(v float64) float64 {
	v = math.Min(math.Max(v, s.lo), s.hi)
	f := (v - s.lo) / (s.hi - s.lo)
	if s.log {
		f = math.Log(v/s.lo) / math.Log(s.hi/s.lo)
	}
	return s.from + f*(s.to-s.from)
}

// ticks are about n round values within the range.
func (s *scale) ticks(n int) []tick {
	if !s.log {
		return linearTicks(s.lo, s.hi, n)
	}
	lo, hi := math.Ceil(math.Log10(s.lo)-1e-9), math.Floor(math.Log10(s.hi)+1e-9)
	if hi-lo >= 1 {
		stride := math.Max(1, math.Ceil((hi-lo+1)/float64(n+1)))
		var ticks []tick
		for e := math.Ceil(lo/stride) * stride; e <= hi; e += stride {
			ticks = append(ticks, tick{math.Pow(10, e), power(1, int(e))})
		}
		if len(ticks) >= 2 {
			return ticks
		}
	}
	var ticks []tick
	for e := lo - 1; e <= hi+1; e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); s.holds(v) {
				ticks = append(ticks, tick{v, power(int(m), int(e))})
			}
		}
	}
	if len(ticks) >= 2 {
		return ticks
	}
	return linearTicks(s.lo, s.hi, n)
}

// linearTicks are multiples of 1, 2 or 5 times a power of ten.
func linearTicks(lo, hi float64, n int) []tick {
	raw := (hi - lo) / float64(n)
	e := int(math.Floor(math.Log10(raw)))
	m := raw / math.Pow(10, float64(e))
	mantissa := 10
	for _, c := range []int{5, 2, 1} {
		if m <= float64(c)*1.0000001 {
			mantissa = c
		}
	}
	step := float64(mantissa) * math.Pow(10, float64(e))
	small := math.Max(math.Abs(lo), math.Abs(hi)) < 1e-3
	large := math.Max(math.Abs(lo), math.Abs(hi)) >= 1e6
	var ticks []tick
	for i := math.Ceil(lo/step - 1e-9); i <= math.Floor(hi/step+1e-9); i++ {
		label := strconv.FormatFloat(i*step, 'f', max(-e-mantissa/10, 0), 64)
		if i == 0 {
			label = "0"
		} else if small || large {
			label = power(int(i)*mantissa, e)
		}
		ticks = append(ticks, tick{i * step, label})
	}
	return ticks
}

// power writes m·10^e as people do: 0.02, 500, 2·10⁻⁵.
func power(m, e int) string {
	for m != 0 && m%10 == 0 {
		m, e = m/10, e+1
	}
	if e >= -3 && e <= 4 {
		return strconv.FormatFloat(float64(m)*math.Pow(10, float64(e)), 'f', max(-e, 0), 64)
	}
	exponent := strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
		"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
	switch digits := strconv.Itoa(m); len(strings.TrimPrefix(digits, "-")) {
	case 1:
		if m == 1 {
			return "10" + exponent.Replace(strconv.Itoa(e))
		}
		return digits + "·10" + exponent.Replace(strconv.Itoa(e))
	default: // 15·10⁻⁷ reads better as 1.5·10⁻⁶
		sign := ""
		if m < 0 {
			sign, digits = "-", digits[1:]
		}
		return sign + digits[:1] + "." + digits[1:] + "·10" + exponent.Replace(strconv.Itoa(e+len(digits)-1))
	}
}
