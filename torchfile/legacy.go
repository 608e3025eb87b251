package torchfile

import (
	"fmt"
	"math"
)

// legacyMagic is how files of torch 0.2 to 1.5 begin: a pickle of the number
// 0x1950a86a20f9469cfc6c, and one of the version 1001 of the layout.
const legacyMagic = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."

// readLegacy reads the layout before torch 1.6: three more pickles, which are a
// dict about the machine, the state dict and a list of the keys of the storages,
// and the storages in the order of the list, each behind its number of elements.
func readLegacy(data []byte) (*archive, error) {
	pos := len(legacyMagic)
	next := func(what string) (*machine, any, error) {
		m := newMachine(data[pos:], true)
		v, err := m.run()
		if err != nil {
			return nil, nil, fmt.Errorf("%s, which begins at byte %d: %w", what, pos, err)
		}
		pos += m.pos
		return m, v, nil
	}
	_, system, err := next("the pickle about the machine")
	if err != nil {
		return nil, err
	}
	if d, ok := system.(*dict); !ok || d.values["little_endian"] != true {
		return nil, fmt.Errorf("found a file of a machine that is not little-endian")
	}
	m, state, err := next("the pickle of the state dict")
	if err != nil {
		return nil, err
	}
	_, keys, err := next("the pickle of the storages' keys")
	if err != nil {
		return nil, err
	}
	order, ok := keys.(*list)
	if !ok || len(order.items) != len(m.storages) {
		return nil, fmt.Errorf("found other storages than the %d that the tensors have", len(m.storages))
	}
	a := &archive{state: state, bytesOf: map[*storage][]byte{}}
	for _, key := range order.items {
		name, _ := key.(string)
		s := m.storages[name]
		if s == nil || a.bytesOf[s] != nil {
			return nil, fmt.Errorf("found the key %.40q of a storage that no tensor has, or twice", name)
		}
		rest := data[pos:]
		if len(rest) < 8 || le.Uint64(rest) != uint64(s.elements) {
			return nil, fmt.Errorf("byte %d: storage %q: expected its number of elements, %d", pos, name, s.elements)
		}
		n := s.bytes()
		if n > math.MaxInt64 || uint64(len(rest)-8) < n {
			return nil, fmt.Errorf("byte %d: storage %q: expected %d bytes, found the last %d: the file is cut short, copy or download it again", pos, name, n, len(rest)-8)
		}
		a.bytesOf[s] = rest[8 : 8+n : 8+n]
		pos += 8 + int(n)
	}
	if pos != len(data) {
		return nil, fmt.Errorf("byte %d: found %d bytes behind the last storage", pos, len(data)-pos)
	}
	return a, nil
}
