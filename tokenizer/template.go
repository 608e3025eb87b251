package tokenizer

import (
	"encoding/json"
	"math"

	"pactune/internal/fault"
)

// templates reads the two templates of a post_processor.
func (p *postJSON) templates(name string) (single, pair []slot, err error) {
	if p.Type == "BertProcessing" {
		class, err := tokenAndID(name, "cls", p.Cls)
		if err != nil {
			return nil, nil, err
		}
		separator, err := tokenAndID(name, "sep", p.Sep)
		if err != nil {
			return nil, nil, err
		}
		single, pair = bertTemplate(class, separator)
		return single, pair, nil
	}
	if single, err = p.slots(name, "single", p.Single, 1, 0); err != nil {
		return nil, nil, err
	}
	pair, err = p.slots(name, "pair", p.Pair, 1, 1)
	return single, pair, err
}

// tokenAndID reads ["[SEP]", 102].
func tokenAndID(name, key string, data []byte) (int32, error) {
	var v []any
	if json.Unmarshal(data, &v) == nil && len(v) == 2 {
		if id, ok := v[1].(float64); ok && id >= 0 && id <= math.MaxInt32 && id == math.Trunc(id) {
			return int32(id), nil
		}
	}
	return 0, fault.Errorf(fault.Model, "%s: post_processor.%s: found %.40s, expected [token, id]", name, key, data)
}

// slots reads one template, in which the texts A and B stand as often as a and b say.
func (p *postJSON) slots(name, key string, pieces []pieceJSON, a, b int) ([]slot, error) {
	var out []slot
	found := map[string]int{}
	for i, piece := range pieces {
		part := piece.Sequence
		if part == nil {
			part = piece.Special
		}
		if part == nil || part.Type < 0 || part.Type > 1 {
			return nil, fault.Errorf(fault.Model, "%s: post_processor.%s[%d]: expected a Sequence or a SpecialToken with type_id 0 or 1", name, key, i)
		}
		s := slot{typ: int32(part.Type)}
		if piece.Sequence != nil {
			found[part.ID]++
			if part.ID != "A" && part.ID != "B" {
				return nil, fault.Errorf(fault.Model, "%s: post_processor.%s[%d]: found the sequence %q, expected A or B", name, key, i, part.ID)
			}
			s.text = part.ID[0]
		} else {
			special, ok := p.Specials[part.ID]
			if !ok {
				return nil, fault.Errorf(fault.Model, "%s: post_processor.%s[%d]: special_tokens lacks %q", name, key, i, part.ID)
			}
			for _, id := range special.IDs {
				if id < 0 || id > math.MaxInt32 {
					return nil, fault.Errorf(fault.Model, "%s: post_processor: %q has the id %d", name, part.ID, id)
				}
				s.ids = append(s.ids, int32(id))
			}
		}
		out = append(out, s)
	}
	if found["A"] != a || found["B"] != b {
		return nil, fault.Errorf(fault.Model, "%s: post_processor.%s: found the texts A %d times and B %d times, expected %d and %d", name, key, found["A"], found["B"], a, b)
	}
	return out, nil
}

// checkTemplates refuses templates with ids outside the vocabulary.
func (t *Tokenizer) checkTemplates(name string) error {
	for _, template := range [][]slot{t.single, t.pair} {
		for _, s := range template {
			for _, id := range s.ids {
				if int(id) >= len(t.tokens) {
					return fault.Errorf(fault.Model, "%s: post_processor: found id %d, expected less than %d, the size of the vocabulary", name, id, len(t.tokens))
				}
			}
		}
	}
	return nil
}
