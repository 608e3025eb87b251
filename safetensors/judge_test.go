package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// judge holds a file against the rules of the format, by its README, as plainly
// as can be: it reads the whole header into values. beyond is the first rule of
// ours that the file breaks and that safetensors 0.4.5 does not have: names that
// are there twice (forbidden by the README), keys in other capitals, NUL in a
// name, numbers above 2^53, and types that it does not know yet.
func judge(data []byte) (ok bool, beyond string) {
	if len(data) < 8 {
		return false, ""
	}
	n := binary.LittleEndian.Uint64(data)
	if n > 100_000_000 || n > uint64(len(data)-8) || !utf8.Valid(data[8:8+n]) {
		return false, ""
	}
	header, body := data[8:8+n], data[8+n:]
	if !json.Valid(header) {
		return false, ""
	}
	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	j := &judgement{}
	top, isObject := j.value(d).([]member)
	if _, err := d.Token(); err != io.EOF || !isObject {
		return false, ""
	}
	return j.tensors(top, uint64(len(body))) && j.beyond == "", j.beyond
}

type member struct {
	key   string
	value any
}

type judgement struct{ beyond string }

func (j *judgement) note(rule string) {
	if j.beyond == "" {
		j.beyond = rule
	}
}

// value reads a valid value; an object becomes a []member.
func (j *judgement) value(d *json.Decoder) any {
	t, _ := d.Token()
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, j.value(d))
		}
		d.Token()
		return list
	case json.Delim('{'):
		object, seen := []member{}, map[string]bool{}
		for d.More() {
			key, _ := d.Token()
			object = append(object, member{key.(string), j.value(d)})
			if seen[key.(string)] {
				j.note("twice")
			}
			seen[key.(string)] = true
		}
		d.Token()
		return object
	}
	return t
}

func (j *judgement) tensors(top []member, body uint64) bool {
	type span struct{ begin, end uint64 }
	var spans []span
	for _, m := range top {
		if m.key == "__metadata__" {
			if !isTexts(m.value) {
				return false
			}
			continue
		}
		if strings.Contains(m.key, "\x00") {
			j.note("NUL")
		}
		info, ok := m.value.([]member)
		if !ok {
			return false
		}
		begin, end, ok := j.tensor(info)
		if !ok {
			return false
		}
		spans = append(spans, span{begin, end})
	}
	sort.Slice(spans, func(a, b int) bool {
		return spans[a].begin < spans[b].begin || spans[a].begin == spans[b].begin && spans[a].end < spans[b].end
	})
	at := uint64(0)
	for _, s := range spans {
		if s.begin != at || s.end < s.begin {
			return false
		}
		at = s.end
	}
	return at == body
}

func isTexts(v any) bool {
	if v == nil {
		return true
	}
	object, ok := v.([]member)
	for _, m := range object {
		if _, text := m.value.(string); !text {
			return false
		}
	}
	return ok
}

// tensor checks one entry: its types, and that its bytes are those of its shape.
func (j *judgement) tensor(info []member) (begin, end uint64, ok bool) {
	var size uint64
	var shape, offsets []any
	for _, m := range info {
		for _, known := range []string{"dtype", "shape", "data_offsets"} {
			if m.key != known && strings.EqualFold(m.key, known) {
				j.note("capitals")
			}
		}
		switch m.key {
		case "dtype":
			name, _ := m.value.(string)
			size = map[string]uint64{"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2,
				"BF16": 2, "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8, "F8_E8M0": 1, "C64": 8}[name]
		case "shape":
			shape, _ = m.value.([]any)
		case "data_offsets":
			offsets, _ = m.value.([]any)
		}
	}
	if size == 0 || shape == nil || len(offsets) != 2 {
		return 0, 0, false
	}
	bytes := size
	for _, v := range shape {
		n, ok := j.count(v)
		if !ok || n != 0 && bytes > (1<<64-1)/n {
			return 0, 0, false
		}
		bytes *= n
	}
	begin, ok1 := j.count(offsets[0])
	end, ok2 := j.count(offsets[1])
	return begin, end, ok1 && ok2 && end-begin == bytes
}

func (j *judgement) count(v any) (uint64, bool) {
	text, _ := v.(json.Number)
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err == nil && n > 1<<53 {
		j.note("2^53")
	}
	return n, err == nil
}
