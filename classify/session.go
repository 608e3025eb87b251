package classify

import (
	"pactune/autograd"
	"pactune/bert"
	"pactune/internal/fmath"
	"pactune/tokenizer"
)

// batchTokens is how many tokens are run together: enough rows for the matrix
// product to reach its speed, few enough for their activations to stay small.
const batchTokens = 1024

// session is what one call needs for itself: a tape and the batch in work.
type session struct {
	c         *Classifier
	tape      *autograd.Tape
	encoding  tokenizer.Encoding
	ids       []int32
	types     []int32
	seqs      autograd.Sequences
	truncated []bool
}

func newSession(c *Classifier) *session {
	s := &session{c: c, tape: autograd.NewTape(c.pool)}
	s.tape.SetPrecision(c.precision)
	return s
}

func (s *session) reset() {
	s.ids, s.types, s.truncated = s.ids[:0], s.types[:0], s.truncated[:0]
	s.seqs.RowStarts = append(s.seqs.RowStarts[:0], 0)
	s.seqs.ExampleIDs = s.seqs.ExampleIDs[:0]
}

func (s *session) room() bool { return len(s.ids) < batchTokens }

func (s *session) add(a, b string, pair bool) {
	s.c.tokenizer.Encode(&s.encoding, a, b, pair, s.c.maxLength)
	s.ids = append(s.ids, s.encoding.IDs...)
	s.types = append(s.types, s.encoding.Types...)
	s.truncated = append(s.truncated, s.encoding.Truncated)
	s.seqs.RowStarts = append(s.seqs.RowStarts, int32(len(s.ids)))
	s.seqs.ExampleIDs = append(s.seqs.ExampleIDs, 0) // names dropout masks, and there is no dropout
}

// answer runs the batch and appends its results.
func (s *session) answer(out []Result) []Result {
	s.tape.Reset(s.seqs, false)
	logits := s.c.model.Logits(s.tape, s.ids, s.types, bert.Dropout{})
	n := logits.Cols
	for i, truncated := range s.truncated {
		scores := make([]float64, n)
		for j, z := range logits.Data[i*n : (i+1)*n] {
			scores[j] = float64(z)
		}
		r := Result{Scores: scores, Truncated: truncated}
		s.c.decide(&r)
		out = append(out, r)
	}
	return out
}

// decide turns the logits in r.Scores into probabilities and an answer.
func (c *Classifier) decide(r *Result) {
	problem := c.model.Config.ProblemType
	switch {
	case problem == "regression" || problem == "" && len(r.Scores) == 1: // as in transformers
		r.Score = r.Scores[0]
		return
	case problem == "multi_label_classification":
		r.Labels = []string{}
		for i, z := range r.Scores {
			r.Scores[i] = 1 / (1 + fmath.Exp(-z))
			if r.Scores[i] >= 0.5 {
				r.Labels = append(r.Labels, c.labels[i])
			}
		}
	default:
		fmath.Softmax(r.Scores)
	}
	best := 0
	for i, p := range r.Scores {
		if p > r.Scores[best] {
			best = i
		}
	}
	r.Score = r.Scores[best]
	if problem != "multi_label_classification" || len(r.Labels) > 0 {
		r.Label = c.labels[best]
	}
}
