package torchfile

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// What a pickle may make, beside string, int64, bool and nil.
type (
	global string // a name; never the function
	tuple  []any
	list   struct{ items []any }
	dict   struct {
		keys    []string // in their order
		values  map[string]any
		ordered bool // made by OrderedDict
	}
	mark struct{} // on the stack
)

// Bounds of a pickle. A state dict has some 35 opcodes and 150 bytes a tensor.
const (
	maxPickle = 4 << 20 // bytes
	maxOps    = 1 << 18
)

// machine runs one pickle.
type machine struct {
	text     []byte
	pos      int
	legacy   bool // how a persistent id looks
	stack    []any
	memo     map[uint32]any
	storages map[string]*storage
}

func newMachine(text []byte, legacy bool) *machine {
	return &machine{text: text, legacy: legacy, memo: map[uint32]any{}, storages: map[string]*storage{}}
}

// run gives the value that the pickle makes, and leaves pos behind it.
func (m *machine) run() (any, error) {
	for n := 0; ; n++ {
		at := m.pos
		switch {
		case at >= len(m.text):
			return nil, fmt.Errorf("byte %d: found the end, expected another opcode", at)
		case at >= maxPickle || n >= maxOps:
			return nil, fmt.Errorf("byte %d: found a pickle of more than %d opcodes or %d bytes", at, maxOps, maxPickle)
		}
		op := m.text[at]
		if op == opSTOP {
			v, err := m.pop()
			if err != nil || len(m.stack) != 0 {
				return nil, fmt.Errorf("byte %d: the pickle does not end with one value", at)
			}
			m.pos++
			return v, nil
		}
		if n == 0 && op != opPROTO {
			return nil, fmt.Errorf("byte %d: found %s, expected the opcode PROTO", at, opcode(op))
		}
		m.pos++
		if err := m.step(op); err != nil {
			return nil, fmt.Errorf("byte %d: %s: %w", at, opcode(op), err)
		}
	}
}

// step does one opcode, whose argument is at pos.
func (m *machine) step(op byte) error {
	switch op {
	case opPROTO:
		if v, err := m.number(1); err != nil || v != 2 {
			return fmt.Errorf("found version %d, expected 2", v)
		}
		return nil
	case opMARK:
		m.push(mark{})
	case opNONE:
		m.push(nil)
	case opNEWTRUE:
		m.push(true)
	case opNEWFALSE:
		m.push(false)
	case opEMPTY_DICT:
		m.push(&dict{})
	case opEMPTY_LIST:
		m.push(&list{})
	case opEMPTY_TUPLE:
		m.push(tuple(nil))
	case opBININT, opBININT1, opBININT2, opLONG1:
		return m.integer(op)
	case opBINUNICODE:
		return m.unicode()
	case opGLOBAL:
		return m.global()
	case opBINPUT, opLONG_BINPUT, opBINGET, opLONG_BINGET:
		return m.memorise(op)
	case opTUPLE, opTUPLE1, opTUPLE2, opTUPLE3:
		return m.tuple(op)
	case opAPPEND, opAPPENDS:
		return m.append(op)
	case opSETITEM, opSETITEMS:
		return m.setItems(op)
	case opREDUCE:
		return m.reduce()
	case opBUILD:
		return m.build()
	case opBINPERSID:
		return m.persistent()
	default:
		return fmt.Errorf("is not among the opcodes of a state dict; such a file may run code when Python loads it, and is not read here")
	}
	return nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// pop takes the value on top, which must not be a mark.
func (m *machine) pop() (any, error) {
	n := len(m.stack) - 1
	if n < 0 || m.stack[n] == (mark{}) {
		return nil, fmt.Errorf("the stack holds no value for it")
	}
	v := m.stack[n]
	m.stack = m.stack[:n]
	return v, nil
}

// popMany takes the values above the last mark, and the mark.
func (m *machine) popMany() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if m.stack[i] == (mark{}) {
			values := append([]any(nil), m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return values, nil
		}
	}
	return nil, fmt.Errorf("the stack holds no mark for it")
}

// bytes takes n bytes of the text.
func (m *machine) bytes(n uint64) ([]byte, error) {
	if rest := uint64(len(m.text) - m.pos); n > rest || n > maxPickle {
		return nil, fmt.Errorf("found a length of %d bytes, expected at most the %d that follow, and %d", n, rest, maxPickle)
	}
	b := m.text[m.pos : m.pos+int(n)]
	m.pos += int(n)
	return b, nil
}

// number takes n ≤ 8 bytes as a number, the lowest first.
func (m *machine) number(n uint64) (v uint64, err error) {
	b, err := m.bytes(n)
	for i := range b {
		v |= uint64(b[i]) << (8 * i)
	}
	return v, err
}

func (m *machine) integer(op byte) error {
	n := map[byte]uint64{opBININT: 4, opBININT1: 1, opBININT2: 2}[op]
	signed := op == opBININT
	if op == opLONG1 {
		var err error
		if n, err = m.number(1); err != nil {
			return err
		}
		if signed = true; n > 8 {
			return fmt.Errorf("found an integer of %d bytes, expected at most 8", n)
		}
	}
	v, err := m.number(n)
	if unused := 64 - 8*n; signed && n > 0 {
		v = uint64(int64(v<<unused) >> unused)
	}
	m.push(int64(v))
	return err
}

func (m *machine) unicode() error {
	n, err := m.number(4)
	if err != nil {
		return err
	}
	b, err := m.bytes(n)
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("found a text that is not UTF-8")
	}
	m.push(string(b))
	return err
}

// global reads two lines, a module and a name in it.
func (m *machine) global() error {
	rest := m.text[m.pos:min(len(m.text), m.pos+256)]
	lines := bytes.SplitN(rest, []byte("\n"), 3)
	if len(lines) < 3 {
		return fmt.Errorf("found no module and name within 256 bytes")
	}
	name := global(string(lines[0]) + "." + string(lines[1]))
	m.pos += len(lines[0]) + len(lines[1]) + 2
	if _, known := storageTypes[name]; !known && name != orderedDict && name != rebuildTensor && name != rebuildParameter {
		hint := ""
		if strings.HasPrefix(string(name), "torch.") && strings.HasSuffix(string(name), "Storage") {
			hint = ": tensors of this type are not supported"
		}
		return fmt.Errorf("found %.100q, which is not among the names that a file of weights needs%s; it is not run", string(name), hint)
	}
	m.push(name)
	return nil
}

func (m *machine) memorise(op byte) error {
	width := uint64(1)
	if op == opLONG_BINPUT || op == opLONG_BINGET {
		width = 4
	}
	i, err := m.number(width)
	if err != nil {
		return err
	}
	if op == opBINGET || op == opLONG_BINGET {
		v, ok := m.memo[uint32(i)]
		if !ok {
			return fmt.Errorf("found the place %d, where nothing was put", i)
		}
		m.push(v)
		return nil
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	m.push(v)
	m.memo[uint32(i)] = v
	return nil
}

func (m *machine) tuple(op byte) error {
	if op == opTUPLE {
		values, err := m.popMany()
		m.push(tuple(values))
		return err
	}
	values := make(tuple, int(op-opTUPLE1)+1)
	for i := len(values) - 1; i >= 0; i-- {
		var err error
		if values[i], err = m.pop(); err != nil {
			return err
		}
	}
	m.push(values)
	return nil
}

// arguments takes one value, or two, or for an opcode in the plural all to the
// last mark.
func (m *machine) arguments(plural bool, n int) (values []any, err error) {
	if plural {
		return m.popMany()
	}
	values = make([]any, n)
	for i := n - 1; i >= 0 && err == nil; i-- {
		values[i], err = m.pop()
	}
	return values, err
}

// top is the value on top of the stack as a T.
func top[T any](m *machine) (T, error) {
	if n := len(m.stack); n > 0 {
		if v, ok := m.stack[n-1].(T); ok {
			return v, nil
		}
	}
	var zero T
	return zero, fmt.Errorf("the value that it changes is %s", m.describeTop())
}

func (m *machine) append(op byte) error {
	values, err := m.arguments(op == opAPPENDS, 1)
	if err != nil {
		return err
	}
	l, err := top[*list](m)
	if err == nil {
		l.items = append(l.items, values...)
	}
	return err
}

func (m *machine) setItems(op byte) error {
	values, err := m.arguments(op == opSETITEMS, 2)
	if err != nil {
		return err
	}
	d, err := top[*dict](m)
	if err != nil {
		return err
	}
	if len(values)%2 != 0 {
		return fmt.Errorf("found a key without a value")
	}
	for i := 0; i < len(values); i += 2 {
		key, ok := values[i].(string)
		if !ok {
			return fmt.Errorf("found %s for a key, expected a text", describe(values[i]))
		}
		if _, twice := d.values[key]; twice {
			return fmt.Errorf("found the key %.100q twice", key)
		}
		if d.values == nil {
			d.values = map[string]any{}
		}
		d.keys, d.values[key] = append(d.keys, key), values[i+1]
	}
	return nil
}

// build sets attributes of an object. A state dict has one, _metadata, of which
// no weight depends.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	attributes, ok := state.(*dict)
	d, wrong := top[*dict](m)
	if wrong != nil || !d.ordered || !ok || len(attributes.keys) != 1 || attributes.keys[0] != "_metadata" {
		return fmt.Errorf("found %s as the state of %s, expected the attribute _metadata of an OrderedDict", describe(state), m.describeTop())
	}
	return nil
}

// reduce calls a function: one of the three that are known, by its name.
func (m *machine) reduce() error {
	values, err := m.arguments(false, 2)
	if err != nil {
		return err
	}
	name, ok := values[0].(global)
	args, isTuple := values[1].(tuple)
	if !ok || !isTuple {
		return fmt.Errorf("found a call of %s with %s", describe(values[0]), describe(values[1]))
	}
	var v any
	switch {
	case name == orderedDict && len(args) == 0:
		v = &dict{ordered: true}
	case name == rebuildTensor:
		v, err = newTensor(args)
	case name == rebuildParameter && len(args) == 3:
		v, ok = args[0].(*tensor)
		if !ok {
			err = fmt.Errorf("found a parameter of %s", describe(args[0]))
		}
	default:
		err = fmt.Errorf("found a call of %s with %d arguments", name, len(args))
	}
	m.push(v)
	return err
}

// persistent names a storage: ("storage", its type, its key, the device that it
// was on, its number of elements), in the older layout followed by a view, which
// must be nil.
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, _ := v.(tuple)
	if m.legacy && len(id) == 6 && id[5] == nil {
		id = id[:5]
	}
	if len(id) != 5 || id[0] != "storage" {
		return fmt.Errorf("found %s, expected the name of a storage", describe(v))
	}
	name, _ := id[1].(global)
	key, ok := id[2].(string)
	dtype, known := storageTypes[name]
	elements, counted := id[4].(int64)
	if !ok || !known || !counted || elements < 0 || elements > math.MaxInt64/8 {
		return fmt.Errorf("found the storage %.40q of type %s with %s elements", key, describe(id[1]), describe(id[4]))
	}
	s := &storage{key, dtype, elements}
	if old := m.storages[key]; old == nil {
		m.storages[key] = s
	} else if *old != *s {
		return fmt.Errorf("found the storage %.40q as %d elements of %s and as %d of %s", key, old.elements, old.dtype, elements, dtype)
	}
	m.push(m.storages[key])
	return nil
}
