package torchfile

import (
	"fmt"

	"pactune/safetensors"
)

// The names that a pickle may take from Python's modules; none of them is a
// function here.
const (
	orderedDict      global = "collections.OrderedDict"
	rebuildTensor    global = "torch._utils._rebuild_tensor_v2"
	rebuildParameter global = "torch._utils._rebuild_parameter"
)

var storageTypes = map[global]safetensors.DType{
	"torch.FloatStorage":    safetensors.F32,
	"torch.HalfStorage":     safetensors.F16,
	"torch.BFloat16Storage": safetensors.BF16,
	"torch.DoubleStorage":   safetensors.F64,
	"torch.LongStorage":     safetensors.I64,
	"torch.ByteStorage":     safetensors.U8,
	"torch.BoolStorage":     safetensors.Bool,
}

// The opcodes of a state dict, under their names in Python's pickletools.
const (
	opPROTO       = 0x80
	opSTOP        = '.'
	opMARK        = '('
	opNONE        = 'N'
	opNEWTRUE     = 0x88
	opNEWFALSE    = 0x89
	opBININT      = 'J'
	opBININT1     = 'K'
	opBININT2     = 'M'
	opLONG1       = 0x8a
	opBINUNICODE  = 'X'
	opGLOBAL      = 'c'
	opBINPUT      = 'q'
	opLONG_BINPUT = 'r'
	opBINGET      = 'h'
	opLONG_BINGET = 'j'
	opEMPTY_DICT  = '}'
	opEMPTY_LIST  = ']'
	opEMPTY_TUPLE = ')'
	opTUPLE       = 't'
	opTUPLE1      = 0x85
	opTUPLE2      = 0x86
	opTUPLE3      = 0x87
	opAPPEND      = 'a'
	opAPPENDS     = 'e'
	opSETITEM     = 's'
	opSETITEMS    = 'u'
	opREDUCE      = 'R'
	opBUILD       = 'b'
	opBINPERSID   = 'Q'
)

// opcodeNames are all opcodes of pickle, for messages.
var opcodeNames = map[byte]string{
	opPROTO: "PROTO", opSTOP: "STOP", opMARK: "MARK", opNONE: "NONE", opNEWTRUE: "NEWTRUE", opNEWFALSE: "NEWFALSE",
	opBININT: "BININT", opBININT1: "BININT1", opBININT2: "BININT2", opLONG1: "LONG1", opBINUNICODE: "BINUNICODE",
	opGLOBAL: "GLOBAL", opBINPUT: "BINPUT", opLONG_BINPUT: "LONG_BINPUT", opBINGET: "BINGET", opLONG_BINGET: "LONG_BINGET",
	opEMPTY_DICT: "EMPTY_DICT", opEMPTY_LIST: "EMPTY_LIST", opEMPTY_TUPLE: "EMPTY_TUPLE", opTUPLE: "TUPLE",
	opTUPLE1: "TUPLE1", opTUPLE2: "TUPLE2", opTUPLE3: "TUPLE3", opAPPEND: "APPEND", opAPPENDS: "APPENDS",
	opSETITEM: "SETITEM", opSETITEMS: "SETITEMS", opREDUCE: "REDUCE", opBUILD: "BUILD", opBINPERSID: "BINPERSID",
	'0': "POP", '1': "POP_MARK", '2': "DUP", 'F': "FLOAT", 'G': "BINFLOAT", 'I': "INT", 'L': "LONG", 0x8b: "LONG4",
	'P': "PERSID", 'S': "STRING", 'T': "BINSTRING", 'U': "SHORT_BINSTRING", 'V': "UNICODE", 'd': "DICT", 'l': "LIST",
	'g': "GET", 'p': "PUT", 'i': "INST", 'o': "OBJ", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4",
	'B': "BINBYTES", 'C': "SHORT_BINBYTES", 0x8c: "SHORT_BINUNICODE", 0x8d: "BINUNICODE8", 0x8e: "BINBYTES8",
	0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x94: "MEMOIZE",
	0x95: "FRAME", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}

func opcode(op byte) string {
	if name, ok := opcodeNames[op]; ok {
		return "opcode " + name
	}
	return fmt.Sprintf("the byte %#02x, which is no opcode", op)
}

// describe says what kind of value v is. It never looks into one, which may hold
// itself.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case mark:
		return "a mark"
	case global:
		return string(v)
	case string:
		return fmt.Sprintf("the text %.40q", v)
	case int64:
		return fmt.Sprint(v)
	case bool:
		return fmt.Sprint("the truth value ", v)
	case tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *list:
		return "a list"
	case *dict:
		return "a dict"
	case *storage:
		return "a storage"
	}
	return "a tensor"
}

func (m *machine) describeTop() string {
	if n := len(m.stack); n > 0 {
		return describe(m.stack[n-1])
	}
	return "missing"
}
