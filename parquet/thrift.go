package parquet

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The library decodes Thrift by recursion without end, makes slices as long as a list
// claims to be, and loses its place at values of a type that it does not expect. A
// walk is a dry run of its decoder in which all three are errors.
type walk struct {
	b     []byte // what is left
	items int    // of known lists, so far
	err   error
}

const (
	deepest   = 32      // structs and lists in one another; a footer has 8
	mostItems = 1 << 17 // in the lists of a footer: columns × groups of rows, for the most part
)

func (w *walk) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
	w.b = nil
}

// take passes over n bytes.
func (w *walk) take(n uint64) []byte {
	if n > uint64(len(w.b)) {
		w.fail("found %d bytes, expected %d more", len(w.b), n)
		return nil
	}
	taken := w.b[:n]
	w.b = w.b[n:]
	return taken
}

func (w *walk) byte() byte {
	if b := w.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (w *walk) varint() uint64 {
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		w.fail("found no whole number")
		return 0
	}
	w.b = w.b[n:]
	return v
}

// structOf passes over a struct that the library decodes into a t, or skips where t
// is nil.
func (w *walk) structOf(t reflect.Type, depth int) {
	known := fieldsOf(t)
	for id := int16(0); w.err == nil; {
		head := w.byte()
		kind := thrift.Type(head & 15)
		if kind == thrift.STOP {
			return
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			v := w.varint()
			id = int16(v>>1) ^ -int16(v&1)
		}
		field, ok := known[id]
		want := thrift.STOP
		if ok {
			want = thrift.TypeOf(field)
		}
		switch isBool := kind == thrift.TRUE || kind == thrift.FALSE; {
		case isBool && want == thrift.BOOL: // the type is the value
		case ok && kind != want:
			w.fail("found a field %d of the type %d, expected another", id, kind)
		default: // skipped, a bool with a byte behind it that is not its own
			w.value(kind, field, depth)
		}
	}
}

// value passes over a value; t is nil where the library skips it.
func (w *walk) value(kind thrift.Type, t reflect.Type, depth int) {
	if depth > deepest {
		w.fail("found structs and lists in one another, more than %d deep", deepest)
		return
	}
	switch kind {
	case thrift.TRUE, thrift.FALSE, thrift.I8:
		w.take(1)
	case thrift.I16, thrift.I32, thrift.I64:
		w.varint()
	case thrift.DOUBLE:
		w.take(8)
	case thrift.BINARY:
		w.take(w.varint())
	case thrift.LIST, thrift.SET:
		w.list(t, depth+1)
	case thrift.STRUCT:
		w.structOf(t, depth+1)
	default:
		w.fail("found a value of the type %d", kind)
	}
}

func (w *walk) list(t reflect.Type, depth int) {
	head := w.byte()
	n, kind := uint64(head>>4), thrift.Type(head&15)
	if n == 15 {
		n = w.varint()
	}
	if n > uint64(len(w.b)) {
		w.fail("found a list of %d items in %d bytes", n, len(w.b))
	}
	var item reflect.Type
	if t != nil {
		item = t.Elem()
		if want := thrift.TypeOf(item); kind != want {
			w.fail("found a list of the type %d, expected another", kind)
		}
		if w.items += int(n); w.items > mostItems {
			w.fail("found lists of more than %d items", mostItems)
		}
	}
	for ; n > 0 && w.err == nil; n-- {
		w.value(kind, item, depth)
	}
}

var fields sync.Map // of a struct's type: map[int16]reflect.Type

// fieldsOf are the fields of a struct of the library, by their numbers; none of nil.
func fieldsOf(t reflect.Type) map[int16]reflect.Type {
	if t == nil {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if known, ok := fields.Load(t); ok {
		return known.(map[int16]reflect.Type)
	}
	known := map[int16]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		number, _, _ := strings.Cut(f.Tag.Get("thrift"), ",")
		if id, err := strconv.ParseInt(number, 10, 16); err == nil {
			known[int16(id)] = f.Type
		}
	}
	fields.Store(t, known)
	return known
}
