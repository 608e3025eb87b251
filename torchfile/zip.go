package torchfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"sort"
	"strings"
)

// Lengths and marks of the records of a zip archive.
const (
	endLength, endMark           = 22, 0x06054b50
	locatorLength, locatorMark   = 20, 0x07064b50
	end64Length, end64Mark       = 56, 0x06064b50
	centralLength, centralMark   = 46, 0x02014b50
	localLength, localMark       = 30, 0x04034b50
	flagEncrypted, flagSizeAfter = 1, 8
	maxEntries                   = 1 << 14
	maxName                      = 1 << 10
)

// entry is a file of the archive.
type entry struct {
	name        string
	flags       uint16
	crc         uint32
	size        uint64
	local       uint64 // where its local header is
	begin, end  uint64 // of its bytes
	compression uint16
}

var le = binary.LittleEndian

// directory finds the central directory, data[begin:end], by the records at the
// end of the file.
func directory(data []byte) (begin, end, entries uint64, err error) {
	at := len(data) - endLength
	if at < 0 || le.Uint32(data[at:]) != endMark {
		return 0, 0, 0, fmt.Errorf("the zip archive does not end in its directory: it is cut short, or something follows it")
	}
	last := data[at:]
	disk, entries := le.Uint32(last[4:]), uint64(le.Uint16(last[10:]))
	size, offset := uint64(le.Uint32(last[12:])), uint64(le.Uint32(last[16:]))
	if disk != 0 || le.Uint16(last[8:]) != le.Uint16(last[10:]) || le.Uint16(last[20:]) != 0 {
		return 0, 0, 0, fmt.Errorf("byte %d: found the end of a zip archive in parts or with a comment", at)
	}
	if l := at - locatorLength; l >= 0 && le.Uint32(data[l:]) == locatorMark {
		where := le.Uint64(data[l+8:])
		if l < end64Length || where != uint64(l-end64Length) || le.Uint32(data[where:]) != end64Mark ||
			le.Uint64(data[where+4:]) != end64Length-12 || le.Uint64(data[where+16:]) != 0 || le.Uint32(data[l+4:]) != 0 {
			return 0, 0, 0, fmt.Errorf("byte %d: found %d for the place of the 64-bit end of the zip archive, expected such a record right before", l, where)
		}
		long := data[where:]
		n, s, o := le.Uint64(long[32:]), le.Uint64(long[40:]), le.Uint64(long[48:])
		if le.Uint64(long[24:]) != n || !same(entries, n, math.MaxUint16) || !same(size, s, math.MaxUint32) || !same(offset, o, math.MaxUint32) {
			return 0, 0, 0, fmt.Errorf("byte %d: the two ends of the zip archive differ", where)
		}
		entries, size, offset, at = n, s, o, int(where)
	}
	if offset > uint64(at) || size != uint64(at)-offset {
		return 0, 0, 0, fmt.Errorf("byte %d: found a directory of %d bytes at %d, expected it right before", at, size, offset)
	}
	if entries > maxEntries || entries > size/centralLength {
		return 0, 0, 0, fmt.Errorf("byte %d: found %d entries in a directory of %d bytes, expected at most %d, of at least %d bytes", at, entries, size, maxEntries, centralLength)
	}
	return offset, uint64(at), entries, nil
}

// same compares a number of a 32-bit record with that of the 64-bit one, for
// which the largest stands in.
func same(short, long, largest uint64) bool { return short == long || short == largest }

// readEntries reads the archive's directory and holds it against the headers of
// the entries: every one stored as it is, none over another.
func readEntries(data []byte) ([]entry, error) {
	begin, end, n, err := directory(data)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, n)
	names := make(map[string]bool, n)
	for rest := data[begin:end]; len(rest) > 0; {
		var e entry
		if e, rest, err = readCentral(rest); err != nil {
			return nil, err
		}
		if names[e.name] {
			return nil, fmt.Errorf("found the entry %q twice", e.name)
		}
		names[e.name] = true
		if err := e.locate(data[:begin]); err != nil {
			return nil, fmt.Errorf("entry %q: %w", e.name, err)
		}
		if entries = append(entries, e); uint64(len(entries)) > n {
			break
		}
	}
	if uint64(len(entries)) != n {
		return nil, fmt.Errorf("the directory has other entries than the %d that it should", n)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].local < entries[j].local })
	for i := 1; i < len(entries); i++ {
		if entries[i-1].end > entries[i].local {
			return nil, fmt.Errorf("entry %q: begins at byte %d, within %q, which ends at %d", entries[i].name, entries[i].local, entries[i-1].name, entries[i-1].end)
		}
	}
	return entries, nil
}

// readCentral reads one entry of the directory.
func readCentral(b []byte) (e entry, rest []byte, err error) {
	if len(b) < centralLength || le.Uint32(b) != centralMark {
		return e, nil, fmt.Errorf("the directory of the zip archive is damaged")
	}
	e.flags, e.compression, e.crc = le.Uint16(b[8:]), le.Uint16(b[10:]), le.Uint32(b[16:])
	packed, size, local := uint64(le.Uint32(b[20:])), uint64(le.Uint32(b[24:])), uint64(le.Uint32(b[42:]))
	name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	mode := le.Uint32(b[38:]) >> 16
	if len(b) < centralLength+name+extra+comment || name > maxName {
		return e, nil, fmt.Errorf("the directory of the zip archive is damaged, or has a name longer than %d bytes", maxName)
	}
	e.name = string(b[centralLength : centralLength+name])
	for _, v := range wide(b[centralLength+name:centralLength+name+extra], &size, &packed, &local) {
		if *v == math.MaxUint32 {
			return e, nil, fmt.Errorf("entry %q: its 64-bit sizes are missing", e.name)
		}
	}
	e.size, e.local = size, local
	switch {
	case !fs.ValidPath(e.name) || strings.ContainsAny(e.name, "\\:\x00"):
		err = fmt.Errorf("entry %q: expected a plain path within the archive", e.name)
	case e.compression != 0 || packed != size:
		err = fmt.Errorf("entry %q: is compressed (method %d, %d bytes of %d); expected stored bytes, as torch.save writes them", e.name, e.compression, packed, size)
	case e.flags&flagEncrypted != 0:
		err = fmt.Errorf("entry %q: is encrypted", e.name)
	case mode&0xF000 == 0xA000:
		err = fmt.Errorf("entry %q: is a symbolic link", e.name)
	}
	return e, b[centralLength+name+extra+comment:], err
}

// wide replaces those numbers that are the largest of 32 bits by the 64-bit ones
// of an entry's extra fields, and returns them all.
func wide(extra []byte, numbers ...*uint64) []*uint64 {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		for field, i := extra[:n], 0; id == 1 && i < len(numbers); i++ {
			if *numbers[i] == math.MaxUint32 && len(field) >= 8 {
				*numbers[i], field = le.Uint64(field), field[8:]
			}
		}
		extra = extra[n:]
	}
	return numbers
}

// locate finds the bytes of e, in data before the directory, behind its local
// header, which must agree with the directory.
func (e *entry) locate(data []byte) error {
	limit := uint64(len(data))
	if e.local > limit || limit-e.local < localLength {
		return fmt.Errorf("its header at byte %d lies outside the %d bytes of the entries", e.local, limit)
	}
	h := data[e.local:]
	name, extra := uint64(le.Uint16(h[26:])), uint64(le.Uint16(h[28:]))
	e.begin = e.local + localLength + name + extra
	if e.begin > limit || e.size > limit-e.begin {
		return fmt.Errorf("its %d bytes from byte %d on lie outside the %d bytes of the entries", e.size, e.begin, limit)
	}
	e.end = e.begin + e.size
	if le.Uint32(h) != localMark || string(h[localLength:localLength+name]) != e.name || le.Uint16(h[8:]) != e.compression || le.Uint16(h[6:]) != e.flags {
		return fmt.Errorf("its header at byte %d differs from the directory", e.local)
	}
	for _, at := range []int{18, 22} {
		size := uint64(le.Uint32(h[at:]))
		if size != e.size && size != math.MaxUint32 && !(size == 0 && e.flags&flagSizeAfter != 0) {
			return fmt.Errorf("its header at byte %d says %d bytes, the directory %d", e.local, size, e.size)
		}
	}
	return nil
}

// readZip reads the layout of torch 1.6 and later.
func readZip(data []byte, served func([]byte)) (*archive, error) {
	entries, err := readEntries(data)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("found an empty zip archive")
	}
	files := make(map[string][]byte, len(entries)) // by the name within the archive's folder
	folder, _, _ := strings.Cut(entries[0].name, "/")
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.name, folder+"/")
		if !ok {
			return nil, fmt.Errorf("entry %q: is not in the folder %q, as the first is", e.name, folder)
		}
		files[name] = data[e.begin:e.end:e.end]
		if found := crc32.ChecksumIEEE(files[name]); found != e.crc {
			return nil, fmt.Errorf("entry %q: found the checksum %08x, expected %08x: the file is damaged, copy or download it again", e.name, found, e.crc)
		}
		served(files[name])
	}
	if order, ok := files["byteorder"]; ok && string(order) != "little" {
		return nil, fmt.Errorf("byteorder: found %.10q, expected \"little\"", order)
	}
	program, ok := files["data.pkl"]
	if !ok {
		return nil, fmt.Errorf("found no data.pkl in the zip archive: torch.save did not write it")
	}
	m := newMachine(program, false)
	state, err := m.run()
	if err == nil && m.pos != len(program) {
		err = fmt.Errorf("byte %d: found %d bytes behind the pickle", m.pos, len(program)-m.pos)
	}
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	a := &archive{state: state, bytesOf: map[*storage][]byte{}}
	for key, s := range m.storages {
		bytes, ok := files["data/"+key]
		if !ok {
			return nil, fmt.Errorf("storage %q: found no entry data/%s", key, key)
		}
		if uint64(len(bytes)) != s.bytes() {
			return nil, fmt.Errorf("storage %q: found %d bytes in its entry, expected the %d of %d elements of %s", key, len(bytes), s.bytes(), s.elements, s.dtype)
		}
		a.bytesOf[s] = bytes
	}
	return a, nil
}
