"""Records what transformers' BERT computes, into bert/testdata.

    pip install torch==2.4.1 transformers==4.46.3 numpy==1.26.4 safetensors==0.4.5
    python testdata/generate/bert_golden.py

writes golden.json (the cases: configuration, lengths, targets, names of the
parameters) and golden.safetensors (in float64: logits, losses and gradients).

Parameters and inputs are not recorded but made by `uniform`, whose values are
17-bit integers over powers of two: the same in float32 and float64, here and
in bert/golden_test.go, which repeats it. "weights" is their sum, which is exact,
and tells a slip there from a difference of the models.

A small case keeps every gradient. A large one keeps, of each tensor, the norm,
the projection on `uniform` values, and SAMPLES elements that lie evenly.

Batches go through transformers padded and masked; pactune packs them.
"""
import json
import math
import os

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification

assert torch.__version__.split("+")[0] == "2.4.1", torch.__version__
assert transformers.__version__ == "4.46.3", transformers.__version__
torch.set_num_threads(1)

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "bert", "testdata")
SAMPLES = 24
WHOLE = 10_000  # gradients of models up to this size are kept whole


def words(name, n):
    """n words of 64 bits: splitmix64 whose seed is FNV-1a of the name."""
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, n):
    """n numbers in (−1, 1), odd multiples of 2^−16."""
    k = (words(name, n) >> np.uint64(48)).astype(np.int64)
    return (2 * k - 65535) / 65536.0


def weights(case, name, shape, hidden):
    v = uniform(f"{case}/{name}", math.prod(shape))
    if name.endswith("LayerNorm.weight"):
        v = 1 + v / 4
    elif "embeddings." in name:
        v = v / 2
    elif name.endswith("bias"):
        v = v / 4
    else:  # a matrix: its products keep the size of their input
        v = v * 2.0 ** -round(math.log2(hidden) / 2 - 0.8)
    return torch.tensor(v.reshape(shape))


def tokens(case, s, length, vocab, pair):
    """ids 1 … vocab−1 (0 pads) and types; a pair changes over in the middle."""
    ids = 1 + (words(f"{case}/ids/{s}", length) % np.uint64(vocab - 1)).astype(np.int64)
    types = np.zeros(length, np.int64)
    if pair:
        types[(length + 1) // 2:] = 1
    return ids, types


def case(name, problem, labels, lengths, *, head="pooler", layers=1, heads=2, head_size=16,
         intermediate=40, act="gelu", pair=False, vocab=30):
    return dict(name=name, problem=problem, labels=labels, lengths=lengths, head=head, layers=layers, heads=heads,
                head_size=head_size, intermediate=intermediate, act=act, pair=pair, vocab=vocab)


CLASSES, LISTS, SCORE, MASKED = "single_label_classification", "multi_label_classification", "regression", "masked"
CASES = [
    case("one layer", CLASSES, 3, [5, 1, 9, 2]),
    case("one layer, gelu_new", CLASSES, 2, [7, 12, 3], act="gelu_new"),
    case("one layer, relu", SCORE, 1, [4, 8], act="relu", pair=True),
    case("one layer, silu, heads of 12", CLASSES, 2, [17, 6], act="silu", heads=3, head_size=12, intermediate=50),
    case("PAC head", CLASSES, 2, [6, 1, 13], head="cls"),
    case("PAC head, gelu_new, 2 layers", CLASSES, 3, [10, 31], head="cls", layers=2, act="gelu_new", intermediate=64),
    case("pairs, 2 layers, heads of 32", CLASSES, 3, [40, 3, 25, 16, 33], layers=2, head_size=32, intermediate=128, pair=True, vocab=60),
    case("regression on pairs, 3 layers, heads of 64", SCORE, 1, [20, 37, 12], layers=3, heads=3, head_size=64, intermediate=96, pair=True, vocab=60),
    case("multi-label, 3 layers", LISTS, 5, [8, 30, 1], layers=3, heads=4, intermediate=100),
    case("multi-label, 2 layers, gelu_new", LISTS, 3, [28, 11], layers=2, head_size=32, act="gelu_new", intermediate=96),
    case("4 layers, heads of 64", CLASSES, 2, [40, 2, 70], layers=4, head_size=64, intermediate=300, vocab=80),
    case("PAC head, 4 layers", CLASSES, 2, [14, 27, 22, 9], head="cls", layers=4, head_size=32, intermediate=256, vocab=60),
    case("long, 2 layers", CLASSES, 2, [512, 1, 257], layers=2, heads=1, head_size=64, intermediate=128, vocab=100),
    case("long pairs, PAC head", CLASSES, 3, [300, 511], head="cls", heads=4, pair=True, intermediate=128, vocab=100),
    case("long, 3 layers, gelu_new", SCORE, 1, [270, 310], layers=3, heads=2, act="gelu_new", intermediate=64, vocab=100),
    case("masked, one layer", MASKED, 30, [5, 1, 9, 12], head="mlm"),
    case("masked, one layer, relu", MASKED, 30, [7, 14], head="mlm", act="relu", pair=True),
    case("masked, 2 layers, gelu_new", MASKED, 503, [40, 17, 28], head="mlm", layers=2, act="gelu_new", heads=3, head_size=16, intermediate=96, vocab=503),
    case("masked, 3 layers", MASKED, 1003, [30, 41, 3], head="mlm", layers=3, head_size=32, intermediate=256, pair=True, vocab=1003),
]


def masked(c):
    """The places whose tokens are guessed, about one in four of each sequence, and their targets."""
    places, wanted = [], []
    for s, n in enumerate(c["lengths"]):
        at = np.flatnonzero(words(f"{c['name']}/masked/{s}", n) % np.uint64(4) == 0)
        ids = words(f"{c['name']}/target/{s}", n) % np.uint64(c["vocab"])
        places += [(s, int(i)) for i in at]
        wanted += [int(ids[i]) for i in at]
    return places, wanted


def targets(c):
    if c["problem"] == MASKED:
        return masked(c)[1]
    n, k = len(c["lengths"]), c["labels"]
    u = words(c["name"] + "/targets", n * k)
    if c["problem"] == CLASSES:
        return [int(x % k) for x in u[:n].tolist()]
    if c["problem"] == LISTS:
        return [[float(x >> 7 & 1) for x in row] for row in u.reshape(n, k).tolist()]
    return [x % 41 / 8 for x in u.tolist()]  # 0 … 5


def run(c, dtype):
    hidden = c["heads"] * c["head_size"]
    config = BertConfig(
        vocab_size=c["vocab"], hidden_size=hidden, num_hidden_layers=c["layers"], num_attention_heads=c["heads"],
        intermediate_size=c["intermediate"], hidden_act=c["act"], hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, max_position_embeddings=max(16, *c["lengths"]), type_vocab_size=2,
        layer_norm_eps=1e-12, num_labels=c["labels"], problem_type=None if c["problem"] == MASKED else c["problem"], attn_implementation="eager")
    kinds = {"cls": BertForTokenClassification, "mlm": BertForMaskedLM, "pooler": BertForSequenceClassification}
    model = kinds[c["head"]](config).to(dtype).eval()
    params, total = dict(model.named_parameters()), 0.0
    with torch.no_grad():
        for name, p in params.items():
            w = weights(c["name"], name, tuple(p.shape), hidden)
            total += math.fsum(w.flatten().tolist())
            p.copy_(w)
    longest = max(c["lengths"])
    ids = torch.zeros(len(c["lengths"]), longest, dtype=torch.long)
    types, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    for s, n in enumerate(c["lengths"]):
        i, t = tokens(c["name"], s, n, c["vocab"], c["pair"])
        ids[s, :n], types[s, :n], mask[s, :n] = torch.tensor(i), torch.tensor(t), 1
    inputs = dict(input_ids=ids, token_type_ids=types, attention_mask=mask)
    y = torch.tensor(targets(c), dtype=torch.long if c["problem"] in (CLASSES, MASKED) else dtype)
    if c["head"] == "mlm":
        at = tuple(torch.tensor(masked(c)[0]).T)
        labels = torch.full_like(ids, -100)
        labels[at] = y
        out = model(**inputs, labels=labels)
        logits, loss = out.logits[at], out.loss
    elif c["head"] == "cls":
        logits = model(**inputs).logits[:, 0]
        loss = torch.nn.functional.cross_entropy(logits, y)
    else:
        out = model(**inputs, labels=y)
        logits, loss = out.logits, out.loss
    loss.backward()
    grads = {name: p.grad.double().numpy().ravel() for name, p in params.items()}
    return logits.detach().double().numpy(), loss.item(), grads, total


def main():
    cases, recorded = [], {}
    for i, c in enumerate(CASES):
        logits, loss, grads, total = run(c, torch.float64)
        logits32, _, grads32, _ = run(c, torch.float32)
        whole = sum(g.size for g in grads.values()) <= WHOLE
        # a key's bias moves all scores of a row alike: its gradient is 0
        # but for rounding, and says nothing of float32
        worst = max(np.abs(grads32[n] - g).max() / np.abs(g).max() for n, g in grads.items() if not n.endswith("key.bias"))
        cases.append(dict(c, targets=targets(c), weights=total, loss=loss, whole=whole, parameters=list(grads),
                          torch_float32={"logits": float(np.abs(logits32 - logits).max()), "gradients": float(worst)}))
        print(f"{c['name']}: {sum(g.size for g in grads.values())} weights, float32 logits {np.abs(logits32 - logits).max():.1e}, gradients {worst:.1e}")
        recorded[f"{i}.logits"] = np.ascontiguousarray(logits)
        if whole:
            recorded[f"{i}.gradients"] = np.concatenate(list(grads.values()))
            continue
        recorded[f"{i}.gradients"] = np.concatenate(
            [g[np.arange(min(SAMPLES, g.size)) * g.size // min(SAMPLES, g.size)] for g in grads.values()])
        recorded[f"{i}.norms"] = np.array([np.sqrt(np.dot(g, g)) for g in grads.values()])
        recorded[f"{i}.projections"] = np.array([np.dot(g, uniform(f"{c['name']}/projection/{n}", g.size)) for n, g in grads.items()])
    save_file(recorded, os.path.join(OUT, "golden.safetensors"))
    with open(os.path.join(OUT, "golden.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
