"""Records PAC-tuning of a tiny BERT by a second implementation into train/testdata.

    pip install torch==2.4.1 numpy==1.26.4
    python testdata/generate/pac_trace.py

Everything is float64. The objective

    J = L_train(w + e^p * eps) + L_pac,  L_pac = 3/2 K^2 gamma + (KL + C) / (m gamma)

is written down once and torch's autograd differentiates it (gamma a constant):
no gradient of the bound is written by hand. torch.optim.AdamW moves w,
torch.optim.Adam moves p and b. Only the random numbers are those of the
program: Philox4x32-10 and the order of its elements, with the normal quantile
of Python's standard library.

pac_trace.safetensors holds the initial weights (float32 values);
pac_trace.json the configuration, the examples, the K tables and the scalars of
every update; pac_trace_CASE.safetensors, in float64, b after and db in every
update, three numbers of every tensor of dw, dp, w and p in every update (its
norm, its projection on cos(1), cos(2), ... and one of its elements), and all of
w and p at the end.
"""
import json
import math
import os
import struct
from statistics import NormalDist

import numpy as np
import torch
import torch.nn.functional as F

assert torch.__version__.split("+")[0] == "2.4.1", torch.__version__
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
OUT = os.path.join(os.path.dirname(__file__), "..", "..", "train", "testdata")

CONFIG = dict(model_type="bert", vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
              intermediate_size=32, hidden_act="gelu", max_position_embeddings=12, type_vocab_size=2,
              initializer_range=0.1, layer_norm_eps=1e-12)
SEED = 7
UPDATES, STAGE1 = 30, 20
LR, HEAD_LR, NOISE_LR, DECAY = 5e-5, 1e-2, 0.1, 1e-2
STREAM_NOISE, STREAM_K = 4, 5  # what a seed means, internal/rng

CASES = [
    # The weights are such that x = e^mean(b) starts between knots where K rises.
    dict(name="fixed", gamma=(5, 5), batch=5, search="closed", granularity="weight", shrink=1,
         options="pac_gamma 5 per_device_train_batch_size 5 train_order file"),
    dict(name="free", gamma=(20, 200), batch=12, search="closed", granularity="weight", shrink=1,
         options="pac_gamma_min 20 pac_gamma_max 200 per_device_train_batch_size 12"),
    dict(name="authors", gamma=(10, 10), batch=100, search="authors", granularity="weight", shrink=1,
         options="compat authors"),
    # Matrices a quarter as large put x below the first knot, where K' = 0 and b
    # starts on rounding residues alone, as in a real BERT.
    dict(name="flat", gamma=(10, 10), batch=100, search="closed", granularity="weight", shrink=4,
         options="pac_gamma 10 per_device_train_batch_size 100"),
    dict(name="tensor", gamma=(5, 5), batch=8, search="closed", granularity="tensor", shrink=1,
         options="pac_gamma 5 pac_granularity tensor train_order file per_device_train_batch_size 4 gradient_accumulation_steps 2"),
]


# --- random numbers ---------------------------------------------------------

def philox(key, c):
    """Philox4x32-10 of the counters c, four arrays of uint64 below 2^32."""
    k0, k1 = key
    mask = np.uint64(0xFFFFFFFF)
    c = [np.asarray(x, dtype=np.uint64) for x in c]
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), b & mask, (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), a & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def new_key(seed, stream, step):
    c = philox((seed & 0xFFFFFFFF, seed >> 32), [[stream], [step & 0xFFFFFFFF], [step >> 32], [0x9AC7]])
    return int(c[0][0]), int(c[1][0])


QUANTILE = NormalDist().inv_cdf  # Wichura's AS 241


def normals(key, row, n):
    """N(0, 1) for elements 0 ... n-1 of row under key."""
    e = np.arange(n)
    block = e // 64 * 16 + e % 16
    zero = np.zeros(n, dtype=np.uint64)
    words = np.choose(e // 16 % 4, philox(key, [block, zero, zero + np.uint64(row), zero]))
    u = ((words >> np.uint64(8)).astype(np.float64) + 0.5) / 2**24
    return torch.tensor([QUANTILE(x) for x in u])


# --- the model --------------------------------------------------------------

def shapes():
    h, i = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    s = {}
    e = "bert.embeddings."
    s[e + "word_embeddings.weight"] = (CONFIG["vocab_size"], h)
    s[e + "position_embeddings.weight"] = (CONFIG["max_position_embeddings"], h)
    s[e + "token_type_embeddings.weight"] = (CONFIG["type_vocab_size"], h)
    s[e + "LayerNorm.weight"] = s[e + "LayerNorm.bias"] = (h,)
    for l in range(CONFIG["num_hidden_layers"]):
        p = f"bert.encoder.layer.{l}."
        for n, o, k in [("attention.self.query", h, h), ("attention.self.key", h, h), ("attention.self.value", h, h),
                        ("attention.output.dense", h, h), ("attention.output.LayerNorm", h, 0),
                        ("intermediate.dense", i, h), ("output.dense", h, i), ("output.LayerNorm", h, 0)]:
            s[p + n + ".weight"] = (o, k) if k else (o,)
            s[p + n + ".bias"] = (o,)
    s["classifier.weight"], s["classifier.bias"] = (2, h), (2,)
    return s


def initial_weights():
    """Random weights, rounded to float32."""
    rng = np.random.RandomState(20)
    w = {}
    for name, shape in shapes().items():
        if name.startswith("classifier."):
            v = rng.uniform(-1, 1, shape) / math.sqrt(CONFIG["hidden_size"])
        elif name.endswith("LayerNorm.weight"):
            v = 1 + 0.1 * rng.standard_normal(shape)
        else:
            v = (0.1 if len(shape) == 2 else 0.05) * rng.standard_normal(shape)
        w[name] = v.astype(np.float32)
    return w


def examples():
    """Twelve examples of 1 to 9 tokens: ids, token types, labels."""
    rng = np.random.RandomState(5)
    rows = []
    for n in [1, 9, 4, 2, 7, 3, 8, 5, 6, 9, 1, 4]:
        ids = rng.randint(5, CONFIG["vocab_size"], n)
        ids[0] = 2
        rows.append(dict(ids=ids.tolist(), types=(np.arange(n) >= (n + 1) // 2 + 1).astype(int).tolist(), label=int(rng.randint(2))))
    return rows


def losses(w, rows):
    """The cross-entropy of every row, from the CLS vector and one linear layer."""
    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], CONFIG["layer_norm_eps"])

    heads = CONFIG["num_attention_heads"]
    out = []
    for r in rows:
        e = "bert.embeddings."
        n = len(r["ids"])
        x = w[e + "word_embeddings.weight"][r["ids"]] + w[e + "position_embeddings.weight"][:n] + w[e + "token_type_embeddings.weight"][r["types"]]
        x = norm(x, e + "LayerNorm")
        for l in range(CONFIG["num_hidden_layers"]):
            p = f"bert.encoder.layer.{l}."
            q, k, v = (linear(x, p + "attention.self." + s).view(n, heads, -1).transpose(0, 1) for s in ("query", "key", "value"))
            a = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1) @ v
            x = norm(x + linear(a.transpose(0, 1).reshape(n, -1), p + "attention.output.dense"), p + "attention.output.LayerNorm")
            x = norm(x + linear(F.gelu(linear(x, p + "intermediate.dense")), p + "output.dense"), p + "output.LayerNorm")
        logits = linear(x[0], "classifier")
        out.append(torch.logsumexp(logits, 0) - logits[r["label"]])
    return torch.stack(out)


# --- PAC-tuning -------------------------------------------------------------

class KTable:
    """K(sigma), piecewise linear in sigma."""

    def __init__(self, frozen, w0, rows, gamma, search):
        self.x = np.exp(np.linspace(-6, -2, 8))
        gammas = np.exp(np.linspace(math.log(gamma[0]), math.log(gamma[1]), 10))
        self.raw, start = [], 1e-3
        for i, sigma in enumerate(self.x):
            sample = np.stack([losses({**frozen, **self.draw(w0, sigma, i, k)}, rows).numpy() for k in range(10)])
            if search == "closed":
                self.raw.append(closed(sample, gammas))
            else:
                start = searched(sample, gammas, start)
                self.raw.append(start)
        self.k = np.maximum.accumulate(self.raw)

    @staticmethod
    def draw(w0, sigma, i, k):
        key = new_key(SEED, STREAM_K, 10 * i + k)
        return {n: v + sigma * normals(key, j, v.numel()).view(v.shape) for j, (n, v) in enumerate(w0.items())}

    def __call__(self, x):
        if x.item() <= self.x[0]:
            return x * 0 + self.k[0]
        i = min(int(np.searchsorted(self.x, x.item())), len(self.x) - 1)
        slope = (self.k[i] - self.k[i - 1]) / (self.x[i] - self.x[i - 1])
        return self.k[i - 1] + slope * (x - self.x[i - 1])


def closed(sample, gammas):
    best = 1e-6
    for g in gammas:
        a = torch.tensor(g * (sample.mean() - sample))
        inside = (torch.logsumexp(a.flatten(), 0) - math.log(a.numel())).item()
        best = max(best, math.sqrt(max(0.0, 2 / 3 * inside)) / g)
    return best


def searched(sample, gammas, x):
    """The code's search, in long double as there."""
    d = np.longdouble(sample.mean()) - sample.astype(np.longdouble)

    def f(x):
        return min(sum(np.exp(np.longdouble(1.5) * g * g * x * x) - np.exp(g * row).mean() for row in d) for g in map(np.longdouble, gammas))

    x = np.longdouble(x)
    while f(x) < -1e-20:
        x *= np.longdouble(1.5)
    while f(x) > 0:
        x /= np.longdouble(1.1)
    return float(x)


def projection(t):
    return float(t.flatten() @ torch.cos(torch.arange(1, t.numel() + 1, dtype=torch.float64)))


def sketch(tensors, update):
    """Three numbers of every tensor."""
    return [[float(t.norm()), projection(t), float(t.flatten()[(7 * update + 3) % t.numel()])] for t in tensors]


def run(case, weights, rows):
    weights = {n: torch.tensor(v, dtype=torch.float64) for n, v in weights.items()}
    for n, v in weights.items():
        if n.startswith("bert.encoder.") and v.dim() == 2:
            v /= case["shrink"]
    frozen = {n: v for n, v in weights.items() if n.startswith("bert.embeddings.")}
    w0 = {n: v for n, v in weights.items() if n not in frozen}
    names, m, L = list(w0), len(rows), len(w0)
    is_head = [n.startswith("classifier.") for n in names]
    low, high = case["gamma"]
    table = KTable(frozen, w0, rows, case["gamma"], case["search"])

    def start(head):
        part = torch.cat([w0[n].flatten() for n, h in zip(names, is_head) if h == head])
        return (1 if head else 2) * math.log(part.abs().mean().item())

    w = [w0[n].clone().requires_grad_() for n in names]
    anchors = [w0[n] for n in names]
    p = [torch.full(v.shape if case["granularity"] == "weight" else (), start(h)).requires_grad_() for v, h in zip(w, is_head)]
    b = [torch.tensor(start(h), requires_grad=True) for h in is_head]

    def part(tensors, head):
        return [t for t, h in zip(tensors, is_head) if h == head]

    weight_opt = torch.optim.AdamW([dict(params=part(w, False), lr=LR), dict(params=part(w, True), lr=HEAD_LR)], weight_decay=DECAY)
    noise_opt = torch.optim.Adam([dict(params=part(p, False) + part(b, False), lr=NOISE_LR), dict(params=part(p, True) + part(b, True), lr=NOISE_LR)])

    def bound():
        kl = 0
        for wj, w0j, pj, bj in zip(w, anchors, p, b):
            # e^2(p-b) - 1 - 2(p-b) is exactly 0 where p = b, and so are its
            # gradients: Adam makes of 1e-14 a step of 1e-7.
            d = 2 * (pj.expand(wj.shape) - bj)
            kl = kl + 0.5 * ((torch.expm1(d) - d).sum() + torch.exp(-2 * bj) * ((wj - w0j) ** 2).sum())
        c = 10 + 3 * L
        k = table(torch.exp(torch.stack(b).mean()))
        gamma = min(max(math.sqrt(2 * (kl.item() + c) / (3 * m)) / k.item(), low), high)
        return kl, k, gamma, 1.5 * k * k * gamma + (kl + c) / (m * gamma)

    scalars, record = [], {s: [] for s in ("dw", "dp", "db", "w", "p", "b")}
    batches = [rows[i:i + case["batch"]] for i in range(0, m, case["batch"])]
    for s in range(UPDATES):
        key = new_key(SEED, STREAM_NOISE, s)
        eps = [normals(key, j, v.numel()).clamp(-2, 2).view(v.shape) for j, v in enumerate(w)]
        noisy = {n: wj + torch.exp(pj) * ej for n, wj, pj, ej in zip(names, w, p, eps)}
        loss = losses({**frozen, **noisy}, batches[s % len(batches)]).mean()
        weight_opt.zero_grad()
        noise_opt.zero_grad()
        line = dict(loss=loss.item(), total=loss.item())
        if s < STAGE1:
            kl, k, gamma, l_pac = bound()
            (loss + l_pac).backward()
            line.update(kl=kl.item(), x=math.exp(np.mean([v.item() for v in b])), k=k.item(), gamma=gamma, l_pac=l_pac.item(), total=loss.item() + l_pac.item())
            record["dp"].append(sketch([v.grad for v in p], s))
            record["db"].append([v.grad.item() if v.grad is not None else 0.0 for v in b])
            noise_opt.param_groups[1]["lr"] = HEAD_LR * max(50 * 0.9 ** ((s + 1) // 10), 1)
            noise_opt.step()
        else:
            loss.backward()
        record["dw"].append(sketch([v.grad for v in w], s))
        weight_opt.step()
        scalars.append(line)
        with torch.no_grad():
            record["w"].append(sketch(w, s))
            record["p"].append(sketch(p, s))
            record["b"].append([v.item() for v in b])
    arrays = {n: np.array(v) for n, v in record.items()}
    for n, wj, pj in zip(names, w, p):
        arrays["w." + n], arrays["p." + n] = wj.detach().numpy(), pj.detach().numpy().reshape(wj.shape if pj.dim() else (1,))
    write_safetensors(os.path.join(OUT, f"pac_trace_{case['name']}.safetensors"), arrays)
    return dict(case, gamma_min=low, gamma_max=high, sigma=table.x.tolist(), k_raw=table.raw, k=table.k.tolist(), updates=scalars)


# --- files ------------------------------------------------------------------

def write_safetensors(path, arrays):
    header, data = {}, b""
    for n, a in arrays.items():
        raw = np.ascontiguousarray(a).tobytes()
        header[n] = dict(dtype={"float32": "F32", "float64": "F64"}[str(a.dtype)], shape=list(a.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    weights, rows = initial_weights(), examples()
    write_safetensors(os.path.join(OUT, "pac_trace.safetensors"), weights)
    traces = []
    for case in CASES:
        traces.append(run(case, weights, rows))
        u = traces[-1]["updates"]
        print(case["name"], "K", ["%.4g" % k for k in traces[-1]["k_raw"]])
        for i in (0, 1, 2, 4, 5, 8, 10, 13, 16, 19, 20, 29):
            print("  ", i + 1, {k: float("%.5g" % v) for k, v in u[i].items()})
    with open(os.path.join(OUT, "pac_trace.json"), "w") as f:
        json.dump(dict(config=CONFIG, seed=SEED, stage1=STAGE1, examples=rows, cases=traces), f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
