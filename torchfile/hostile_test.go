package torchfile

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pactune/internal/fault"
)

// attack is a file that must be refused with a message that says want.
type attack struct {
	name string
	data []byte
	want string
}

// program is a file whose pickle is text.
func program(text string) []byte { return model{pickle: protocol + text}.zip() }

// weights is a file whose tensor is made by text.
func weights(text string) []byte { return model{tensor: text}.zip() }

// Programs that run code, or would where a reader is less strict.
func codeAttacks(touched string) []attack {
	shell := text("touch " + touched)
	return []attack{
		{"os.system", program("cos\nsystem\n(" + shell + "tR."), `data.pkl: byte 2: opcode GLOBAL: found "os.system"`},
		{"posix.system", program("cposix\nsystem\n(" + shell + "tR."), `"posix.system"`},
		{"os.system among weights", weights("cos\nsystem\n(" + shell + "tR"), `"os.system"`},
		{"subprocess.Popen", program("csubprocess\nPopen\n(" + shell + "tR."), `"subprocess.Popen"`},
		{"builtins.eval", program("cbuiltins\neval\n(" + text("__import__('os').system('touch "+touched+"')") + "tR."), `"builtins.eval"`},
		{"builtins of Python 2", program("c__builtin__\nexec\n(" + shell + "tR."), `"__builtin__.exec"`},
		{"builtins.getattr", program("cbuiltins\ngetattr\n(" + newDict + text("__class__") + "tR."), `"builtins.getattr"`},
		{"torch.load", program("ctorch\nload\n(" + shell + "tR."), `"torch.load"`},
		{"a function within an allowed module", program("ctorch._utils\n_rebuild_sparse_tensor\n)R."), `"torch._utils._rebuild_sparse_tensor"`},
		{"dotted name", program("ccollections\nOrderedDict.__init__.__globals__\n."), `"collections.OrderedDict.__init__.__globals__"`},
		{"storage of another type", weights(tensorOf(storageOf("ComplexFloatStorage", "0", 2), 0, longs(2), longs(1))), "not supported"},
		{"STACK_GLOBAL", program("\x8c\x02os\x8c\x06system\x93(" + shell + "tR."), "opcode SHORT_BINUNICODE: is not among"},
		{"STACK_GLOBAL with long texts", program(text("os") + text("system") + "\x93(" + shell + "tR."), "opcode STACK_GLOBAL"},
		{"INST", program("(" + shell + "ios\nsystem\n."), "opcode INST"},
		{"OBJ", program("(" + newDict + "o."), "opcode OBJ"},
		{"NEWOBJ", program("ccollections\nOrderedDict\n)\x81."), "opcode NEWOBJ"},
		{"extension registry", program("\x82\x01)R."), "opcode EXT1"},
		{"protocol 4", []byte(string(model{pickle: "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}."}.zip())), "opcode PROTO: found version 4"},
		{"pickle of protocol 0", model{pickle: "cos\nsystem\n(S'touch " + touched + "'\ntR."}.zip(), "expected the opcode PROTO"},
		{"REDUCE of a dict", program(newDict + ")R."), "found a call of a dict"},
		{"REDUCE chain", program(newDict + strings.Repeat(")R", 1000) + "."), "found a call of a dict"},
		{"REDUCE of a storage type", program("ctorch\nFloatStorage\n(" + long(1<<40) + "tR."), "found a call of torch.FloatStorage with 1 arguments"},
		{"OrderedDict with arguments", program("ccollections\nOrderedDict\n(]tR."), "OrderedDict with 1 arguments"},
		{"BUILD of attributes", program(newDict + "}(" + text("__class__") + text("x") + "ub."), "opcode BUILD"},
		{"BUILD of a tuple", program("))b."), "opcode BUILD"},
		{"BUILD of a parameter", weights(parameter + "(" + newDict + "\x88" + newDict + "tR"), "parameter of a dict"},
		{"SETITEM on a tuple", program("()" + text("a") + "Ns."), "opcode SETITEM: the value that it changes is a tuple"},
		{"SETITEM with a dict as key", program(newDict + "}Ns."), "found a dict for a key"},
		{"APPEND on a dict", program("}Na."), "opcode APPEND: the value that it changes is a dict"},
		{"older layout, os.system", model{pickle: protocol + "cos\nsystem\n(" + shell + "tR."}.legacy(), `"os.system"`},
		{"older layout, in the keys", []byte(strings.Replace(string(model{}.legacy()), protocol+"](", protocol+"cos\nsystem\n("+shell+"tR](", 1)), `"os.system"`},
		{"older layout, about the machine", []byte(legacyMagic + protocol + "cos\nsystem\n(" + shell + "tR."), `"os.system"`},
	}
}

// Programs that are broken, or that make a small file large.
func bombAttacks() []attack {
	storage := storageOf("FloatStorage", "0", 4)
	self := "]q\x00h\x00a" // a list that holds itself
	return []attack{
		{"memo bomb", program(self + strings.Repeat("(h\x00h\x00h\x00tq\x00", 100_000) + "."), "more than"},
		{"memo place of 2^32-1", program("Nr\xff\xff\xff\xff."), "found None in the pickle"},
		{"memo place that is empty", program("h\x07."), "opcode BINGET: found the place 7"},
		{"list in itself", program(self + "."), "found a list in the pickle"},
		{"list in itself for a tensor", weights(self), "found a list, expected a tensor"},
		{"list in itself as arguments", weights(rebuild + self + "R"), "found a call of torch._utils._rebuild_tensor_v2 with a list"},
		{"marks", program(strings.Repeat("(", 1<<19) + "."), "more than"},
		{"tuples in tuples", program(")" + strings.Repeat("\x85", 1<<19) + "."), "more than"},
		{"dicts", program(strings.Repeat("}", 1<<17) + "."), "does not end with one value"},
		{"text of 4 GiB", program("X\xff\xff\xff\xffa."), "found a length of 4294967295 bytes"},
		{"LONG1 of 255 bytes", program("\x8a\xff" + strings.Repeat("\xff", 255) + "."), "integer of 255 bytes"},
		{"LONG4", program("\x8b\xff\xff\xff\x7f."), "opcode LONG4"},
		{"bytes of 2^63", program("\x8e\x00\x00\x00\x00\x00\x00\x00\x80."), "opcode BINBYTES8"},
		{"a name without end", program("c" + strings.Repeat("a", 1<<16)), "opcode GLOBAL: found no module"},
		{"no STOP", program("}"), "found the end"},
		{"empty stack", program("R."), "opcode REDUCE: the stack holds no value"},
		{"STOP with nothing", program("."), "does not end with one value"},
		{"bytes behind STOP", program("}.}"), "1 bytes behind the pickle"},
		{"key twice", program(newDict + "(" + text("w") + "N" + text("w") + "Nu."), `found the key "w" twice`},
		{"key without value", program(newDict + "(" + text("w") + "u."), "a key without a value"},
		{"text that is not UTF-8", program("X\x01\x00\x00\x00\xff."), "not UTF-8"},
		{"tensor of a training state", program(newDict + "(" + text("epoch") + "K\x01u."), `key "epoch": found 1, expected a tensor`},
		{"shape of 2^63-1", weights(tensorOf(storage, 0, longs(1<<63-1), longs(1))), "from 0 to 2^53"},
		{"shape of 2^60 and 0", weights(tensorOf(storage, 0, longs(1<<60, 0), longs(1, 1))), "from 0 to 2^53"},
		{"shape of 2^53", weights(tensorOf(storage, 0, longs(1<<53), longs(1))), "within the 4 elements"},
		{"shape that overflows", weights(tensorOf(storage, 0, longs(1<<32, 1<<32), longs(0, 0))), "within the 4 elements"},
		{"stride that overflows", weights(tensorOf(storage, 0, longs(1<<13), longs(1<<53))), "within the 4 elements"},
		{"expanded to 2^40", weights(tensorOf(storage, 0, longs(1<<40), longs(0))), "to have no more"},
		{"negative offset", weights(tensorOf(storage, -4, longs(4), longs(1))), "found a tensor of a storage at -4"},
		{"offset behind the storage", weights(tensorOf(storage, 1, longs(4), longs(1))), "within the 4 elements"},
		{"negative size", weights(tensorOf(storage, 0, longs(-1), longs(1))), "found -1"},
		{"negative stride", weights(tensorOf(storage, 3, longs(4), longs(-1))), "found -1"},
		{"65 dimensions", weights(tensorOf(storage, 0, longs(make([]int64, 65)...), longs(make([]int64, 65)...))), "tuple of at most 64"},
		{"storage of 2^62 elements", weights(tensorOf(storageOf("FloatStorage", "0", 1<<62), 0, longs(1), longs(1))), "4611686018427387904 elements"},
		{"storage of -1 elements", weights(tensorOf(storageOf("FloatStorage", "0", -1), 0, longs(1), longs(1))), "-1 elements"},
		{"storage larger than its entry", weights(tensorOf(storageOf("FloatStorage", "0", 1<<40), 0, longs(1), longs(1))), "found 16 bytes in its entry"},
		{"storage smaller than its entry", weights(tensorOf(storageOf("FloatStorage", "0", 3), 0, longs(1), longs(1))), "found 16 bytes in its entry"},
		{"storage of two types", weights(tensorOf(storage, 0, longs(1), longs(1)) + text("v") + tensorOf(storageOf("HalfStorage", "0", 8), 0, longs(1), longs(1))), "and as 8 of F16"},
		{"storage that is not there", weights(tensorOf(storageOf("FloatStorage", "1", 4), 0, longs(1), longs(1))), "no entry data/1"},
		{"storage outside the archive", weights(tensorOf(storageOf("FloatStorage", "../../../../etc/passwd", 4), 0, longs(1), longs(1))), "no entry data/../"},
		{"7000 names for the same bytes", aliases(7000), "more than eight times the bytes of the file"},
		{"older layout, 2^63 elements", patch(model{}.legacy(), -24, binary.LittleEndian.AppendUint64(nil, 1<<63)...), "expected its number of elements"},
		{"older layout, bytes behind", append(model{}.legacy(), 0), "1 bytes behind the last storage"},
		{"older layout, cut", model{}.legacy()[:len(model{}.legacy())-1], "cut short"},
		{"older layout, big-endian", []byte(strings.Replace(string(model{}.legacy()), "endian\x88", "endian\x89", 1)), "not little-endian"},
		{"older layout, a view", []byte(strings.Replace(string(model{}.legacy()), "NtQ", ")tQ", 1)), "expected the name of a storage"},
	}
}

// aliases is a file of n names for one large tensor.
func aliases(n int) []byte {
	m := model{elements: 1 << 16}
	one := tensorOf(storageOf("FloatStorage", "0", m.elements), 0, longs(m.elements), longs(1))
	var b strings.Builder
	b.WriteString(protocol + newDict + "(" + text("first") + one + "q\x00")
	for i := range n {
		b.WriteString(text(fmt.Sprint(i)) + "h\x00")
	}
	m.pickle = b.String() + "u."
	return m.zip()
}

// Archives that lie.
func archiveAttacks() []attack {
	whole := model{}.zip()
	end := len(whole) - endLength
	central := find(whole, "PK\x01\x02", 0)
	third := find(whole, "PK\x01\x02", 2) // of data/0
	many := make([]file, maxEntries+1)
	for i := range many {
		many[i].name = fmt.Sprint("m/data/", i)
	}
	bomb := model{files: []file{{"m/zeros", strings.Repeat("\x00", 50<<20)}}, deflate: "m/zeros"}
	return []attack{
		{"zip bomb", bomb.zip(), `"m/zeros": is compressed (method 8`},
		{"compressed pickle", model{deflate: "m/data.pkl"}.zip(), "is compressed"},
		{"entry above the folder", model{files: []file{{"../../evil", "x"}}}.zip(), `entry "../../evil": expected a plain path`},
		{"entry above, inside", model{files: []file{{"m/../../evil", "x"}}}.zip(), "expected a plain path"},
		{"absolute entry", model{files: []file{{"/etc/passwd", "x"}}}.zip(), "expected a plain path"},
		{"entry of a drive", model{files: []file{{`C:\evil`, "x"}}}.zip(), "expected a plain path"},
		{"entry with NUL", model{files: []file{{"m/a\x00b", "x"}}}.zip(), "expected a plain path"},
		{"entry twice", model{files: []file{{"m/data.pkl", "x"}}}.zip(), `"m/data.pkl" twice`},
		{"two folders", model{files: []file{{"n/data.pkl", "x"}}}.zip(), `not in the folder "m"`},
		{"symbolic link", patch(whole, third+40, 0xff, 0xa1), "is a symbolic link"},
		{"encrypted", patch(patch(whole, third+8, 9), find(whole, "PK\x03\x04", 2)+6, 9), "is encrypted"},
		{"other name in the header", patch(whole, third+centralLength+2, 'e'), "differs from the directory"},
		{"other method in the header", patch(whole, find(whole, "PK\x03\x04", 2)+8, 8), "differs from the directory"},
		{"entries over each other", patch(patch(whole, third+20, 0x28), third+24, 0x28), "begins at byte"},
		{"entry of 4 GiB", patch(patch(whole, third+20, 0xfe, 0xff, 0xff, 0xff), third+24, 0xfe, 0xff, 0xff, 0xff), "outside"},
		{"entry at 4 GiB", patch(whole, third+42, 0xfe, 0xff, 0xff, 0xff), "outside"},
		{"64-bit size missing", patch(whole, third+24, 0xff, 0xff, 0xff, 0xff), "64-bit sizes are missing"},
		{"directory at 4 GiB", patch(whole, end+16, 0xff, 0xff, 0xff, 0xff), "expected it right before"},
		{"directory of 4 GiB", patch(whole, end+12, 0xff, 0xff, 0xff, 0xff), "expected it right before"},
		{"65535 entries", patch(whole, end+8, 0xff, 0xff, 0xff, 0xff), "found 65535 entries"},
		{"fewer entries than there are", patch(whole, end+8, 1, 0, 1, 0), "other entries than the 1"},
		{"too many entries", archiveOf("", many...), fmt.Sprint("found ", maxEntries+1, " entries")},
		{"no entries", []byte("PK\x03\x04PK\x05\x06" + strings.Repeat("\x00", 12) + "\x04\x00\x00\x00\x00\x00"), "empty zip archive"},
		{"a comment", append(patch(whole, end+20, 1), 'x'), "something follows it"},
		{"bytes behind", append(append([]byte(nil), whole...), "polyglot"...), "something follows it"},
		{"damaged directory", patch(whole, central, 'X'), "directory of the zip archive is damaged"},
		{"wrong checksum", patch(whole, find(whole, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00PK", 0), 1), "found the checksum"},
		{"big-endian", archiveOf("", file{"m/data.pkl", model{}.program()}, file{"m/byteorder", "big"}, file{"m/data/0", strings.Repeat("\x00", 16)}), `found "big"`},
		{"no pickle", archiveOf("", file{"m/version", "3\n"}), "no data.pkl"},
		{"64-bit directory elsewhere", append(append(append([]byte(nil), whole[:end]...), locator(1<<40)...), whole[end:]...), "64-bit end"},
		{"a file of NumPy", archiveOf("", file{"arr_0.npy", "\x93NUMPY"}), `"arr_0.npy": is not in the folder`},
	}
}

func locator(at uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte("PK\x06\x07\x00\x00\x00\x00"), at)
	return append(b, 1, 0, 0, 0)
}

// Files that are something else.
func otherAttacks() []attack {
	return []attack{
		{"nothing", nil, "expected a zip archive"},
		{"web page", []byte("<!DOCTYPE html><html>"), "web page"},
		{"pointer of Git LFS", []byte("version https://git-lfs.github.com/spec/v1\n"), "Git LFS"},
		{"pickle alone", []byte(protocol + "cos\nsystem\n(" + text("true") + "tR."), "expected a zip archive"},
		{"tar", append([]byte("storages"), make([]byte, 1024)...), "torch 0.1"},
		{"first bytes of zip", []byte("PK\x03\x04"), "cut short"},
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	// Both folders are listed afterwards: nothing but the file may have come.
	outside := t.TempDir()
	dir := filepath.Join(outside, "model")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pytorch_model.bin")
	touched := filepath.Join(outside, "touched")
	for _, kind := range []struct {
		name  string
		files []attack
	}{{"code", codeAttacks(touched)}, {"bombs", bombAttacks()}, {"archives", archiveAttacks()}, {"others", otherAttacks()}} {
		t.Logf("%s: %d files", kind.name, len(kind.files))
		for _, a := range kind.files {
			write(t, path, a.data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := Open(path)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), a.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("%s: got the error %v, want one of kind Model that says %q", a.name, err, a.want)
			}
			if made := after.TotalAlloc - before.TotalAlloc; made > 64<<20 || took > time.Second {
				t.Errorf("%s: took %v and allocated %d MiB, want less than 1 s and 64 MiB", a.name, took, made>>20)
			}
		}
	}
	for _, folder := range []string{dir, outside} {
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) != 1 {
			t.Errorf("%s holds %v (%v), want the one file or folder of before", folder, entries, err)
		}
	}
}

// The documents tell how many opcodes the machine knows.
func TestOpcodes(t *testing.T) {
	known := 1 // STOP, which run knows
	for op := range 256 {
		err := newMachine(make([]byte, 16), false).step(byte(op))
		if err == nil || !strings.Contains(err.Error(), "is not among the opcodes") {
			known++
		}
	}
	for _, name := range []string{"torchfile.go", "../docs/HOSTILE.md"} {
		text, err := os.ReadFile(name)
		if want := fmt.Sprintf("%d opcodes", known); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not speak of %s (%v)", name, want, err)
		}
	}
}

func FuzzPickle(f *testing.F) {
	for _, m := range []model{{}, {tensor: parameter + "(" + tensorOf(storageOf("FloatStorage", "0", 4), 1, longs(1, 2), longs(9, 1)) + "\x88" + newDict + "tR"}} {
		f.Add([]byte(m.program()))
	}
	for _, a := range append(codeAttacks("nothing"), bombAttacks()...) {
		if len(a.data) < 1<<12 {
			if i := strings.Index(string(a.data), protocol); i >= 0 {
				f.Add(a.data[i:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := newMachine(data, false)
		state, err := m.run()
		if err != nil {
			return
		}
		a := &archive{state: state, bytesOf: map[*storage][]byte{}}
		for _, s := range m.storages {
			if s.bytes() > 1<<20 {
				return // in a file the entry is as long
			}
			a.bytesOf[s] = make([]byte, s.bytes())
		}
		tensors, err := a.tensors(1 << 20)
		check(t, tensors, err)
	})
}

func FuzzFile(f *testing.F) {
	for _, name := range []string{"zip.bin", "legacy.bin"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(model{}.zip())
	f.Add(model{}.legacy())
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := parse(data, func([]byte) {})
		check(t, tensors, err)
	})
}
