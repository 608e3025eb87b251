"""Records what Hugging Face's trainer learns into tokenizer/learn/testdata.

    pip install tokenizers==0.20.3 transformers==4.46.3
    python testdata/generate/vocab.py [DATA]

exact       made words with counts, and the merges, in their order, up to the first at which two
            pairs are equally frequent.
embedded    the texts of embedded/data, cased and not. The trainer breaks ties by the order of a
            hash table, so only sets are compared; repeat is what it shares with another training
            of its own, in a process whose hash tables have another order.
wikipedia   hashes of a vocabulary that pactune learns from the first 5 MB of
            DATA/text/wikipedia-2015-a, and of the ids that transformers' AutoTokenizer gives to
            10,000 lines of wikipedia-2015-b when it reads the folder. Kept as it is without DATA.
"""
import collections
import gzip
import hashlib
import json
import multiprocessing
import os
import random
import struct
import subprocess
import sys
import tempfile

import tokenizers

assert tokenizers.__version__ == "0.20.3", tokenizers.__version__

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OUT = os.path.join(ROOT, "tokenizer", "learn", "testdata", "recorded.json")


def train(lines, size, lowercase=True):
    t = tokenizers.BertWordPieceTokenizer(lowercase=lowercase)
    t.train_from_iterator(lines, vocab_size=size, min_frequency=2, show_progress=False)
    return [w for w, _ in sorted(t.get_vocab().items(), key=lambda x: x[1])]


def afresh(*args):
    """train in a process of its own, whose hash tables have another order."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(train, args)


def texts():
    lines = []
    for name in ("train.txt", "dev.txt"):
        with open(os.path.join(ROOT, "embedded", "data", name), encoding="utf-8") as f:
            lines += [line.rstrip("\n") for line in f]
    return lines


def untied(counts):
    """The number of merges before two pairs are equally frequent for the first time."""
    words = [([w[0]] + ["##" + c for c in w[1:]], n) for w, n in counts.items()]
    for merges in range(10_000):
        pairs = collections.Counter()
        for w, n in words:
            for pair in zip(w, w[1:]):
                pairs[pair] += n
        (best, most), (_, second) = pairs.most_common(2)
        if most == second:
            return merges
        for w, _ in words:
            for i in range(len(w) - 1, 0, -1):  # no letter stands twice in a row, so any order will do
                if (w[i - 1], w[i]) == best:
                    w[i - 1 : i + 1] = [best[0] + best[1][2:]]


def exact():
    out = []
    for seed in range(8):
        r, counts = random.Random(seed), {}
        for _ in range(250):
            w = "".join(r.choice("abcdef") for _ in range(r.randint(3, 7)))
            if not any(a == b for a, b in zip(w, w[1:])):
                counts[w] = r.randint(100, 9999)
        n = untied(counts)
        feed = [" ".join([w] * n) for w, n in counts.items()]
        out.append({"words": counts, "merged": train(feed, 5 + 2 * 6 + n)[5 + 2 * 6 :]})
        assert len(out[-1]["merged"]) == n, out
    print("merges without a tie", [len(e["merged"]) for e in out])
    return out


def embedded(lines):
    out = []
    for size, lowercase in ((300, True), (800, True), (1500, True), (800, False)):
        one, two = (afresh(lines, size, lowercase) for _ in range(2))
        out.append({"size": size, "lowercase": lowercase, "vocab": sorted(one), "repeat": len(set(one) & set(two)) / len(one)})
        print(size, lowercase, "two trainings share", out[-1]["repeat"])
    return out


def wikipedia(data):
    from transformers import AutoTokenizer, BertTokenizerFast

    def head(name, n):
        with gzip.open(os.path.join(data, "text", name)) as f:
            return f.read(n)

    text = head("wikipedia-2015-a.txt.gz", 5_000_000)
    lines = [w for w in head("wikipedia-2015-b.txt.gz", 10_000_000).decode("utf-8", "ignore").split("\n") if w][:10_000]
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.join(folder, "vocab")
        subprocess.run(["go", "run", "./cmd/pactune", "vocab", "--size", "8000", "--out", folder, "-"], input=text, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "vocab.txt"), "rb") as f:
            vocab = hashlib.sha256(f.read()).hexdigest()[:16]
        auto, fast = AutoTokenizer.from_pretrained(folder), BertTokenizerFast.from_pretrained(folder)
        assert isinstance(auto, BertTokenizerFast) and auto.pad_token_id == 0 and len(auto) == 8000, auto
        h = hashlib.sha256()
        for line in lines:
            ids = auto(line)["input_ids"]
            assert ids == fast(line)["input_ids"]
            h.update(struct.pack(f"<{len(ids) + 1}i", len(ids), *ids))
    return {"lines": len(lines), "vocab": vocab, "ids": h.hexdigest()[:16]}


def main():
    lines, kept = texts(), {}
    if os.path.exists(OUT):
        with open(OUT) as f:
            kept = json.load(f).get("wikipedia", {})
    record = {"exact": exact(), "embedded": embedded(lines), "wikipedia": wikipedia(sys.argv[1]) if len(sys.argv) > 1 else kept}
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w", newline="\n") as f:
        json.dump(record, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
