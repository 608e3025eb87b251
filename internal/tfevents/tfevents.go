// Package tfevents writes TensorBoard's event files: scalars and histograms.
//
// A file is a row of records, each framed by its length and two checksums, as in
// TensorFlow's TFRecord; numbers are little-endian:
//
//	uint64 length | uint32 masked CRC-32C of the length | data | uint32 masked CRC-32C of the data
//
// The mask is ((crc>>15 | crc<<17) + 0xa282ead8). The data are an Event in the wire
// format of protocol buffers, of which these fields are written (number, type):
//
//	Event          1 wall_time double, 2 step int64, 3 file_version string, 5 summary Summary
//	Summary        1 value, repeated Value
//	Value          1 tag string, 2 simple_value float, 5 histo HistogramProto
//	HistogramProto 1 min, 2 max, 3 num, 4 sum, 5 sum_squares double,
//	               6 bucket_limit, 7 bucket packed doubles
//
// The first record of a file holds the version "brain.Event:2" alone. A record can be
// appended to a file at any time, and a file cut at the end of a record is whole.
//
// An Event keeps its buffers: once they have grown, writing scalars allocates nothing.
package tfevents

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// Event collects the values of one step and makes a record of them.
type Event struct {
	step    int
	summary []byte
	data    []byte
	record  []byte
}

// Begin forgets the values of the step before.
func (e *Event) Begin(step int) { e.step, e.summary = step, e.summary[:0] }

// Scalar adds v, in float32, under the tag group/name.
func (e *Event) Scalar(group, name string, v float64) {
	tag := len(group) + 1 + len(name)
	b := appendTag(e.summary, 1, bytesWire, 1+sizeOf(tag)+tag+1+4)
	b = appendTag(b, 1, bytesWire, tag)
	b = append(append(append(b, group...), '/'), name...)
	b = append(b, 2<<3|fixed32Wire)
	e.summary = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
}

// Histogram adds h under a tag.
func (e *Event) Histogram(tag string, h *Histogram) {
	histo := h.appendTo(nil)
	b := appendTag(e.summary, 1, bytesWire, 1+sizeOf(len(tag))+len(tag)+1+sizeOf(len(histo))+len(histo))
	b = append(appendTag(b, 1, bytesWire, len(tag)), tag...)
	e.summary = append(appendTag(b, 5, bytesWire, len(histo)), histo...)
}

// Record returns the framed record of the values since Begin. It is valid until the
// next one.
func (e *Event) Record(wall time.Time) []byte {
	e.data = appendDouble(e.data[:0], 1, seconds(wall))
	if e.step != 0 {
		e.data = appendTag(e.data, 2, varintWire, e.step)
	}
	e.data = append(appendTag(e.data, 5, bytesWire, len(e.summary)), e.summary...)
	e.record = appendRecord(e.record[:0], e.data)
	return e.record
}

// Version is the record with which a file begins.
func Version(wall time.Time) []byte {
	const version = "brain.Event:2"
	data := appendDouble(nil, 1, seconds(wall))
	data = append(appendTag(data, 3, bytesWire, len(version)), version...)
	return appendRecord(nil, data)
}

func seconds(t time.Time) float64 { return float64(t.Unix()) + float64(float64(t.Nanosecond())/1e9) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of a record: a CRC of data that hold CRCs is weak.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

func appendRecord(b, data []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b[start:]))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}

// Wire types of protocol buffers.
const (
	varintWire  = 0
	fixed64Wire = 1
	bytesWire   = 2
	fixed32Wire = 5
)

// appendTag begins a field with a varint: its value, or the length of what follows.
func appendTag(b []byte, field, wire, n int) []byte {
	return binary.AppendUvarint(append(b, byte(field<<3|wire)), uint64(n))
}

// appendDouble appends a field unless it is 0, the default.
func appendDouble(b []byte, field int, v float64) []byte {
	if math.Float64bits(v) == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(append(b, byte(field<<3|fixed64Wire)), math.Float64bits(v))
}

// appendDoubles appends a packed field.
func appendDoubles(b []byte, field int, values []float64) []byte {
	b = appendTag(b, field, bytesWire, 8*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// sizeOf is the length of n as a varint.
func sizeOf(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
