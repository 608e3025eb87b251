"""Records hashes of the reference tokeniser's answers over a million lines.

    pip install tokenizers==0.20.3 transformers==4.46.3
    python testdata/generate/tokenizer_blocks.py DATA

reads the text of DATA (the folder with glue, samples, fewshot, text and vocab),
makes further lines from the recipe below, and writes blocks.json into
tokenizer/testdata: the recipe, and for every block of 5,000 lines a hash of the
text and one of the encodings per tokeniser, for the lines alone at 128 tokens
and for pairs of lines at 64. tokenizer/blocks_test.go reads the same lines and
compares.
"""
import gzip
import hashlib
import json
import os
import struct
import sys

import tokenizers
import transformers

assert tokenizers.__version__ == "0.20.3", tokenizers.__version__
assert transformers.__version__ == "4.46.3", transformers.__version__

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tokenizer", "testdata", "blocks.json")

BLOCK = 5000
SINGLE, PAIR = 128, 64

# path, text columns (counted from 0). A header is a line like any other.
FILES = [
    ["glue/CoLA/train.tsv", [3]], ["glue/CoLA/dev.tsv", [3]], ["glue/CoLA/test.tsv", [1]],
    ["glue/SST-2/train.tsv", [0]], ["glue/SST-2/dev.tsv", [0]], ["glue/SST-2/test.tsv", [1]],
    ["glue/MRPC/train.tsv", [3, 4]], ["glue/MRPC/dev.tsv", [3, 4]], ["glue/MRPC/test.tsv", [3, 4]],
    ["glue/STS-B/train.tsv", [7, 8]], ["glue/STS-B/dev.tsv", [7, 8]], ["glue/STS-B/test.tsv", [7, 8]],
    ["glue/QNLI/dev.tsv", [1, 2]], ["glue/QNLI/test.tsv", [1, 2]],
    ["glue/RTE/train.tsv", [1, 2]], ["glue/RTE/dev.tsv", [1, 2]], ["glue/RTE/test.tsv", [1, 2]],
    ["glue/WNLI/train.tsv", [1, 2]], ["glue/WNLI/dev.tsv", [1, 2]], ["glue/WNLI/test.tsv", [1, 2]],
    ["glue/diagnostic/diagnostic.tsv", [1, 2]],
    ["samples/MNLI_train.tsv", [0, 1]], ["samples/MNLI_dev.tsv", [0, 1]],
    ["samples/QQP_train.tsv", [0, 1]], ["samples/QQP_dev.tsv", [0, 1]],
    ["samples/QNLI_train.tsv", [0, 1]], ["samples/QNLI_dev.tsv", [0, 1]],
    ["fewshot/pac-tuning-sst/train.txt", [0]], ["fewshot/pac-tuning-sst/dev.txt", [0]],
]
TEXTS = ["text/novels-eltec.txt.gz", "text/wikipedia-2015-a.txt.gz", "text/wikipedia-2015-b.txt.gz"]
# Of every text, each 40th paragraph whole; of the others the sentences (cut at
# ". ") with a character beyond ASCII, and each 5th of those without.
WHOLE, PLAIN = 40, 5

# What made lines are drawn from: ranges of code points ...
POOLS = [
    ("ascii", 0x20, 0x7E), ("small letters", 0x61, 0x7A), ("capitals", 0x41, 0x5A), ("latin 1", 0xA0, 0xFF),
    ("latin extended", 0x100, 0x24F), ("phonetic", 0x250, 0x2FF), ("marks", 0x300, 0x36F), ("greek", 0x370, 0x3FF),
    ("cyrillic", 0x400, 0x52F), ("armenian", 0x531, 0x58F), ("hebrew", 0x591, 0x5F4), ("arabic", 0x600, 0x6FF),
    ("syriac and thaana", 0x700, 0x7BF), ("devanagari", 0x900, 0x97F), ("bengali", 0x980, 0x9FF), ("gurmukhi", 0xA00, 0xA7F),
    ("gujarati to kannada", 0xA80, 0xCFF), ("malayalam and sinhala", 0xD00, 0xDFF), ("thai", 0xE01, 0xE5B),
    ("lao", 0xE81, 0xEDF), ("tibetan", 0xF00, 0xFDA), ("myanmar", 0x1000, 0x109F), ("georgian", 0x10A0, 0x10FF),
    ("jamo", 0x1100, 0x11FF), ("ethiopic", 0x1200, 0x139F), ("cherokee", 0x13A0, 0x13FD), ("khmer", 0x1780, 0x17F9),
    ("mongolian", 0x1800, 0x18AA), ("latin additional", 0x1E00, 0x1EFF), ("greek extended", 0x1F00, 0x1FFE),
    ("general punctuation", 0x2000, 0x206F), ("letter-like", 0x20A0, 0x218B), ("symbols", 0x2190, 0x27BF),
    ("cjk marks and kana", 0x3000, 0x30FF), ("cjk", 0x4E00, 0x9FFF), ("cjk extension a", 0x3400, 0x4DBF),
    ("yi", 0xA000, 0xA4C6), ("hangul", 0xAC00, 0xD7A3), ("private", 0xE000, 0xE0FF), ("cjk compatibility", 0xF900, 0xFAFF),
    ("presentation forms", 0xFB00, 0xFDFF), ("half marks and forms", 0xFE00, 0xFFFD), ("old scripts", 0x10000, 0x10FFF),
    ("brahmic beyond the plane", 0x11000, 0x11FFF), ("cuneiform", 0x12000, 0x123FF), ("musical", 0x1D100, 0x1D1FF),
    ("mathematical", 0x1D400, 0x1D7FF), ("adlam and more", 0x1E000, 0x1EFFF), ("emoji", 0x1F300, 0x1FAFF),
    ("cjk extension b", 0x20000, 0x2FFFF), ("tags", 0xE0001, 0xE01EF), ("controls", 0x0, 0x1F), ("c1 controls", 0x7F, 0x9F),
]
# ... what stands between words ...
BETWEEN = [" ", " ", " ", " ", " ", " ", "", "-", "\t", "  ", "\r\n", "\0", "\u00a0", "\u200b", "\u200d", "\u2028", "\u3000", "\u0301",
           "\u0327\u0301", "\ufe0f", "\ufeff", "'s ", ", ", ".", "[MASK]", " [SEP] ", "[CLS]", "[UNK]", "##", "\u4e2d", "\u00df", "\u0130"]
# ... and lengths of words; 0 makes an empty line more probable.
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 0, 2, 3, 4, 5, 99, 100, 101, 3, 2, 1, 4]
MADE = 120000


class Random:
    """Knuth's MMIX linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def made():
    """Lines of 0 to 5 words. A word is of one pool; half the lines keep to one."""
    r = Random(3)
    for _ in range(MADE):
        parts, pool, mixed = [], r.below(len(POOLS)), r.below(2) == 0
        for _ in range(r.below(6)):
            if mixed:
                pool = r.below(len(POOLS))
            _, low, high = POOLS[pool]
            length = LENGTHS[r.below(len(LENGTHS))]
            if length > 90 and r.below(8):
                length = 3  # long words are rare
            for _ in range(length):
                c = low + r.below(high - low + 1)
                parts.append(chr(c))
            parts.append(BETWEEN[r.below(len(BETWEEN))])
        yield "".join(parts)


def columns(data, path, wanted):
    with open(os.path.join(data, path), "rb") as f:
        for row in f.read().decode().split("\n"):
            cells = row.split("\t")
            for c in wanted:
                if c < len(cells):
                    yield cells[c]


def sentences(data, path):
    with gzip.open(os.path.join(data, path)) as f:
        n = 0
        for i, line in enumerate(f):
            line = line.rstrip(b"\n").decode()
            if not line:
                continue
            if i % WHOLE == 0:
                yield line
                continue
            for s in line.split(". "):
                n += 1
                if not s.isascii() or n % PLAIN == 0:
                    yield s


def lines(data):
    for path, wanted in FILES:
        yield from columns(data, path, wanted)
    for path in TEXTS:
        yield from sentences(data, path)
    yield from made()


def digest(encodings):
    """SHA-256 over the number of ids, the ids, the type ids, and whether some were cut."""
    h = hashlib.sha256()
    for e in encodings:
        h.update(struct.pack(f"<i{2 * len(e.ids)}ii", len(e.ids), *e.ids, *e.type_ids, bool(e.overflowing)))
    return h.hexdigest()[:12]


def load(data):
    vocab = lambda name: os.path.join(data, "vocab", name)
    bare = lambda name, lower: transformers.BertTokenizerFast(os.path.join(vocab(name), "vocab.txt"), do_lower_case=lower).backend_tokenizer
    out = {
        "uncased tokenizer.json": tokenizers.Tokenizer.from_file(os.path.join(vocab("bert-base-uncased"), "tokenizer.json")),
        "uncased vocab.txt": bare("bert-base-uncased", True),
        "cased vocab.txt": bare("bert-base-cased", False),
    }
    for t in out.values():
        t.no_padding()
    return out


def main():
    data = sys.argv[1]
    using = load(data)
    hashes = {name: {"single": [], "pairs": []} for name in using}
    texts, count, cut = [], 0, 0

    def finish(block):
        nonlocal cut
        h = hashlib.sha256()
        for line in block:
            raw = line.encode()
            h.update(struct.pack("<i", len(raw)) + raw)
        texts.append(h.hexdigest()[:12])
        pairs = list(zip(block[::2], block[1::2]))
        for name, t in using.items():
            t.enable_truncation(SINGLE)
            got = t.encode_batch(block)
            cut += sum(bool(e.overflowing) for e in got)
            hashes[name]["single"].append(digest(got))
            t.enable_truncation(PAIR)
            got = t.encode_batch(pairs)
            cut += sum(bool(e.overflowing) for e in got)
            hashes[name]["pairs"].append(digest(got))

    block = []
    for line in lines(data):
        count += 1
        block.append(line)
        if len(block) == BLOCK:
            finish(block)
            block = []
    finish(block)
    out = {
        "block": BLOCK, "lines": count, "single": SINGLE, "pair": PAIR,
        "files": [path for path, _ in FILES], "columns": [wanted for _, wanted in FILES], "texts": TEXTS, "whole": WHOLE, "plain": PLAIN,
        "pools": [[low, high] for _, low, high in POOLS], "between": BETWEEN, "lengths": LENGTHS, "made": MADE,
        "hashes": {"text": "".join(texts), **{f"{name}, {kind}": "".join(h) for name, of in hashes.items() for kind, h in of.items()}},
    }
    with open(OUT, "w", newline="\n") as f:
        json.dump(out, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")
    print(count, "lines,", len(texts), "blocks,", cut, "encodings cut")


main()
