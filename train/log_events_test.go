package train

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pactune/safetensors"
)

// A decodedEvent is a record of an event file but for its wall time.
type decodedEvent struct {
	step    uint64
	version string
	scalars map[string]float32
	histos  map[string]map[uint64][]float64 // tag, field
}

// crc32c is the checksum bit by bit, as RFC 3720 defines it.
func crc32c(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0x82f63b78*(crc&1)
		}
	}
	return ^crc
}

// fields calls do for every field of a protocol buffer: a number is in value, what
// has a length in bytes.
func fields(t *testing.T, b []byte, do func(field, value uint64, bytes []byte)) {
	t.Helper()
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		var value uint64
		var bytes []byte
		size := 0
		switch key & 7 {
		case 0:
			value, size = binary.Uvarint(b)
		case 1:
			value, size = binary.LittleEndian.Uint64(b), 8
		case 2:
			length, n := binary.Uvarint(b)
			size = n + int(length)
			bytes = b[n:size]
		case 5:
			value, size = uint64(binary.LittleEndian.Uint32(b)), 4
		}
		if n <= 0 || size <= 0 {
			t.Fatalf("no field of a protocol buffer: % x", b)
		}
		do(key>>3, value, bytes)
		b = b[size:]
	}
}

// readEvents decodes an event file and checks its checksums.
func readEvents(t *testing.T, path string) []decodedEvent {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []decodedEvent
	sum := func(part, want []byte) {
		t.Helper()
		crc := crc32c(part)
		if got := (crc>>15 | crc<<17) + 0xa282ead8; got != binary.LittleEndian.Uint32(want) {
			t.Fatalf("%s, record %d: the checksum is %x, want %x", path, len(list), want[:4], got)
		}
	}
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		sum(b[:8], b[8:])
		data := b[12 : 12+n]
		sum(data, b[12+n:])
		b = b[16+n:]
		e := decodedEvent{scalars: map[string]float32{}, histos: map[string]map[uint64][]float64{}}
		fields(t, data, func(field, value uint64, bytes []byte) {
			switch field {
			case 2:
				e.step = value
			case 3:
				e.version = string(bytes)
			case 5:
				fields(t, bytes, func(_, _ uint64, bytes []byte) { e.value(t, bytes) })
			}
		})
		list = append(list, e)
	}
	return list
}

// value decodes a Summary.Value.
func (e *decodedEvent) value(t *testing.T, b []byte) {
	tag := ""
	fields(t, b, func(field, value uint64, bytes []byte) {
		switch field {
		case 1:
			tag = string(bytes)
		case 2:
			e.scalars[tag] = math.Float32frombits(uint32(value))
		case 5:
			e.histos[tag] = map[uint64][]float64{}
			fields(t, bytes, func(field, value uint64, bytes []byte) {
				if bytes == nil {
					bytes = binary.LittleEndian.AppendUint64(nil, value)
				}
				for ; len(bytes) > 0; bytes = bytes[8:] {
					e.histos[tag][field] = append(e.histos[tag][field], math.Float64frombits(binary.LittleEndian.Uint64(bytes)))
				}
			})
		}
	})
}

// The event file of a run holds the numbers of metrics.jsonl, and those of an
// interrupted run that has gone on are those of a whole one.
func TestEventFile(t *testing.T) {
	r, root := newResumable(t, "pac"), t.TempDir()
	r.options += "report_to tensorboard "
	whole, cut := filepath.Join(root, "whole"), filepath.Join(root, "cut")
	r.must(whole, "save_strategy no", 0, false)
	r.must(cut, "save_strategy steps save_steps 4", 11, false)
	log := newLog(nil, cut) // what came after the checkpoint is cut off
	for _, f := range log.all() {
		path := filepath.Join(cut, f.name)
		if text, err := os.ReadFile(path); err == nil {
			if err := os.WriteFile(path, append(text, "torn"...), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.must(cut, "save_strategy steps save_steps 4 resume "+cut, 0, false)

	events := readEvents(t, filepath.Join(whole, eventsName))
	if again := readEvents(t, filepath.Join(cut, eventsName)); !reflect.DeepEqual(again, events) {
		t.Errorf("the run that went on has %d events, not the %d of the whole one", len(again), len(events))
	}
	if events[0].version != "brain.Event:2" {
		t.Errorf("the file begins with %+v", events[0])
	}
	i := 0
	for _, row := range lines(t, filepath.Join(whole, "metrics.jsonl")) {
		for i++; len(events[i].histos) > 0; i++ {
		}
		want := map[string]float32{}
		for name, v := range row {
			if x, ok := v.(float64); ok && !strings.Contains(" step stage samples tokens ", " "+name+" ") {
				want[fmt.Sprint(row["split"], "/", name)] = float32(x)
			}
		}
		if float64(events[i].step) != row["step"] || !reflect.DeepEqual(events[i].scalars, want) {
			t.Fatalf("event %d is %+v, the line %v", i, events[i], row)
		}
	}
	checkNoise(t, whole, events[len(events)-1])
}

// checkNoise compares the last event of a run with its noise.safetensors.
func checkNoise(t *testing.T, dir string, last decodedEvent) {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, "noise.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string][]float64{} // smallest, largest, number
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		n := 1
		for _, d := range x.Shape {
			n *= d
		}
		p := make([]float64, n)
		if err := x.Float64s(p); err != nil {
			t.Fatal(err)
		}
		tag := "log_std/layer_0"
		if strings.HasPrefix(name, "classifier.") {
			tag = "log_std/head"
		}
		if want[tag] == nil {
			want[tag] = []float64{p[0], p[0], 0}
		}
		for _, v := range p {
			want[tag] = []float64{min(want[tag][0], v), max(want[tag][1], v), want[tag][2] + 1}
		}
	}
	if len(want) != 2 || len(last.histos) != len(want) {
		t.Fatalf("%d histograms, want %v", len(last.histos), want)
	}
	for tag, w := range want {
		h, n := last.histos[tag], 0.0
		for _, c := range h[7] {
			n += c
		}
		// noise.safetensors is float32 in the float64 build as well
		if !near32(h[1][0], w[0]) || !near32(h[2][0], w[1]) || h[3][0] != w[2] || n != w[2] || len(h[6]) != len(h[7]) {
			t.Errorf("%s: from %v to %v, %v values, %v in buckets, want %v", tag, h[1], h[2], h[3], n, w)
		}
	}
}

func near32(a, b float64) bool { return float32(a) == float32(b) }
