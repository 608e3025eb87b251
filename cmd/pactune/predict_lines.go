package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"pactune/classify"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
	"pactune/train"
)

// predictor answers lines as they come.
type predictor struct {
	model  *classify.Classifier
	name   string // of the input
	in     *bufio.Reader
	out    *bufio.Writer
	json   bool
	probs  bool
	labels []string
	screen bool // the answers go to a terminal
	note   func(string)
	line   int
	cut    int  // texts of which a part was not read
	paired bool // a label in the place of a second text has been noted
}

// A question is one line of the input.
type question struct {
	a, b string
	pair bool
	id   json.RawMessage
	json bool // asked in JSON, so answered in JSON
	line int
}

// Lines that come fast are answered together, at most so many of them or bytes;
// a line may be longer, up to longestLine. With this an input of any size takes
// the same memory.
const (
	batch       = 256
	batchBytes  = 1 << 20
	longestLine = 16 << 20
)

func (p *predictor) run(ctx context.Context) error {
	type lines struct {
		questions []question
		end       error
	}
	come := make(chan lines)
	go func() { // apart, because a read that waits for a line cannot be ended
		for {
			questions, end := p.read()
			select {
			case come <- lines{questions, end}:
			case <-ctx.Done():
				return
			}
			if end != nil {
				return
			}
		}
	}()
	for {
		var questions []question
		var end error
		select {
		case l := <-come:
			questions, end = l.questions, l.end
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.answer(ctx, questions); err != nil {
			return err
		}
		if err := p.out.Flush(); err != nil {
			return fault.Errorf(fault.Internal, "cannot write: %w", err)
		}
		if end == io.EOF {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// read takes the lines that are there, at most a batch, and waits only for the
// first: who types a line gets its answer.
func (p *predictor) read() (questions []question, err error) {
	bytes := 0
	for len(questions) < batch && bytes < batchBytes && (len(questions) == 0 || p.in.Buffered() > 0) {
		text, err := p.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return questions, err
		}
		if text == "" && err != nil {
			return questions, io.EOF
		}
		p.line++
		bytes += len(text)
		q, bad := p.parse(strings.TrimRight(text, "\r\n"))
		if bad != nil {
			return questions, bad
		}
		q.line = p.line
		questions = append(questions, q)
		if err != nil {
			return questions, io.EOF
		}
	}
	return questions, nil
}

// readLine reads the next line with its line feed. The last one may have none,
// and comes with io.EOF.
func (p *predictor) readLine() (string, error) {
	var line []byte
	for {
		part, err := p.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > longestLine:
			return "", fault.Errorf(fault.Data, "%s: line %d: is longer than %d MiB; expected a text a line: cut it, or end its lines with line feeds", p.name, p.line+1, longestLine>>20)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return "", fault.Errorf(fault.Data, "%s: %w", p.name, err)
		}
		return string(line), err
	}
}

// parse reads a line of text, or a JSON object where the line starts with one.
func (p *predictor) parse(text string) (question, error) {
	if p.line == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if err := glue.BadByte(p.name, p.line, text); err != nil {
		return question{}, err
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return p.object(text)
	}
	a, b, pair := strings.Cut(text, "\t")
	if pair && !p.paired && slices.Contains(p.labels, b) {
		p.note(fmt.Sprintf("%s: line %d: what follows the tab, %q, is a label of the model; it is read as the second text of a pair (pactune evaluate DIR FILE scores labelled rows)", p.name, p.line, b))
		p.paired = true
	}
	return question{a: a, b: b, pair: pair}, nil
}

func (p *predictor) object(text string) (question, error) {
	var o struct {
		ID        json.RawMessage `json:"id"`
		Text      *string         `json:"text"`
		Sentence  *string         `json:"sentence"`
		Sentence1 *string         `json:"sentence1"`
		Sentence2 *string         `json:"sentence2"`
	}
	err := strictjson.Unmarshal([]byte(text), &o)
	var bad *json.UnmarshalTypeError
	if errors.As(err, &bad) {
		return question{}, fault.Errorf(fault.Data, "%s: line %d: %q is a JSON %s, expected a string", p.name, p.line, bad.Field, bad.Value)
	}
	if err != nil {
		return question{}, fault.Errorf(fault.Data, "%s: line %d: starts like a JSON object and is none: %w", p.name, p.line, err)
	}
	q := question{id: o.ID, json: true}
	for _, s := range []*string{o.Text, o.Sentence, o.Sentence1} {
		if s != nil {
			q.a = *s
			if o.Sentence2 != nil {
				q.b, q.pair = *o.Sentence2, true
			}
			return q, nil
		}
	}
	return q, fault.Errorf(fault.Data, `%s: line %d: found no text%s; expected {"text": ...} or {"sentence1": ..., "sentence2": ...}`, p.name, p.line, keysOf(text))
}

// keysOf names the keys of an object, as the end of a sentence.
func keysOf(object string) string {
	var keys map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &keys) != nil || len(keys) == 0 {
		return ""
	}
	var names []string
	for key := range keys {
		names = append(names, fmt.Sprintf("%.40q", key))
	}
	slices.Sort(names)
	return " under the keys " + strings.Join(names[:min(len(names), 8)], ", ")
}

// answer asks the model, pairs apart from single texts, and writes the answers
// in the order of the questions.
func (p *predictor) answer(ctx context.Context, questions []question) error {
	var texts []string
	var pairs []classify.Pair
	for _, q := range questions {
		if q.pair {
			pairs = append(pairs, classify.Pair{A: q.a, B: q.b})
		} else {
			texts = append(texts, q.a)
		}
	}
	single, err := p.model.Predict(ctx, texts)
	if err != nil {
		return err
	}
	double, err := p.model.PredictPairs(ctx, pairs)
	if err != nil {
		return err
	}
	for _, q := range questions {
		from := &single
		if q.pair {
			from = &double
		}
		r := (*from)[0]
		if r.Truncated {
			if p.cut++; p.cut == 1 { // at once: a stream may have no end
				p.note(fmt.Sprintf("%s: line %d: the end of the text was not read: it is longer than the model or --max_seq_length allows (in JSON: \"truncated\":true); it may be so of later ones too", p.name, q.line))
			}
		}
		if err := p.write(q, r); err != nil {
			return err
		}
		*from = (*from)[1:]
	}
	return nil
}

func (p *predictor) write(q question, r classify.Result) error {
	if q.json || p.json {
		return p.writeJSON(q, r)
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	label := r.Label
	if r.Labels != nil {
		label = strings.Join(r.Labels, ",") // as in eval_predictions.jsonl
	}
	fields := []string{label, number(r.Score)}
	if p.value(r) {
		fields = fields[1:]
	} else if p.probs {
		fields = []string{label}
		for i, name := range p.labels {
			fields = append(fields, name, number(r.Scores[i]))
		}
	}
	for i, f := range fields {
		f = strings.NewReplacer("\t", " ", "\n", " ").Replace(f)
		if p.screen { // labels come from files
			f = train.Clean(f)
		}
		fields[i] = f
	}
	_, err := p.out.WriteString(strings.Join(fields, "\t") + "\n")
	return err
}

// value tells whether the answer is that of a regression, which has no label.
func (p *predictor) value(r classify.Result) bool { return len(p.labels) < 2 && r.Labels == nil }

func (p *predictor) writeJSON(q question, r classify.Result) error {
	answer := struct {
		ID        json.RawMessage    `json:"id,omitempty"`
		Label     string             `json:"label,omitempty"`
		Labels    any                `json:"labels,omitempty"` // of a multi-label model a list, also an empty one
		Score     float64            `json:"score"`
		Probs     map[string]float64 `json:"probs,omitempty"`
		Truncated bool               `json:"truncated"`
	}{q.id, r.Label, nil, r.Score, nil, r.Truncated}
	if r.Labels != nil {
		answer.Labels = r.Labels
	}
	if p.probs && !p.value(r) {
		answer.Probs = map[string]float64{}
		for i, name := range p.labels {
			answer.Probs[name] = r.Scores[i]
		}
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(answer)
}
