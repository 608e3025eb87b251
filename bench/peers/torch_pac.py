"""One update of PAC-tuning's first stage in PyTorch, in three forms.

All forms do the same work: draw noise for every weight, take the gradient of the
mean loss over the batch at the noisy weights, add the gradients of the bound, and
make the steps of AdamW on w and of Adam on p and b. The embeddings are frozen,
dropout is off, the head is one linear layer on [CLS], K is a constant and gamma is
10. A pass is one reading or one writing of as many numbers as there are trained
weights, 340 MB for BERT-base; the passes below are those beside the products of
matrices.

authors  As the method's published program works, written anew: transformers' model,
         texts padded to 128, attention with all its steps, tensors of noise and of
         its scale that are drawn and stored, weights replaced by sums and taken back
         by differences, the bound through autograd, three optimisers that go over
         the tensors one operation at a time. 104 passes: draw and clip 3, scale 2,
         noisy weights 6, back again 6, gradient of p 6, the bound forward 18 and
         backward 20, AdamW 20, Adam on p 18, setting gradients to zero and adding 5.
padded   The same algorithm written well: w, p, w0, noise and moments are one flat
         vector each, worked on in place in pieces that stay in the cache, with
         PyTorch's fused Adam; clean weights are kept beside the noisy ones, so that
         nothing is taken back, and gradients are taken as autograd leaves them.
         25 passes: draw 4, bound 7, AdamW 7, Adam on p 7. Texts are padded to 128.
tight    padded without padding: linear layers see the tokens of all texts one after
         another, attention the texts of one length together.

Under bf16 the noisy weights are rounded to bfloat16 as they are drawn, and
activations and gradients of the weights are bfloat16; all else stays float32.
authors runs in float32 only, as published.

    torch_pac.py --form tight --model DIR --data FILE     one line of JSON
    torch_pac.py --check RUN --data FILE                  do all forms agree with pactune?

DIR is a folder in Hugging Face's format, as of `pactune init`. RUN is a folder of
`pactune train` that made one update at rate 0 and recorded it; pac_check.sh makes
one.
"""

import argparse
import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, BertTokenizerFast

LENGTH = 128  # of a padded text
GAMMA, K = 10.0, 0.2  # a constant K has no slope: the table costs nothing in an update
PIECE = 1 << 20  # numbers worked on at a time: 4 MB of each vector
RATE, HEAD_RATE, DECAY, NOISE_RATE = 5e-5, 1e-2, 1e-2, 0.1


def head_noise_rate(t):
    """Rate of the head's p and b in update t, from 1."""
    return HEAD_RATE * max(50 * 0.9 ** (t // 10), 1)


class Task:
    """Texts as tokens, and the weights of a model with one linear layer on [CLS]."""

    def __init__(self, model, data, batch):
        self.config = BertConfig.from_pretrained(model)
        tokenizer = BertTokenizerFast.from_pretrained(model)
        rows = [line.rstrip("\n").rsplit("\t", 1) for line in open(data, encoding="utf-8")][:batch]
        self.ids = [tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"] for text, _ in rows]
        self.labels = torch.tensor([int(label) for _, label in rows])
        weights = {name.removeprefix("bert."): t for name, t in load_file(model + "/model.safetensors").items()}
        self.weights = {name: t for name, t in weights.items() if name.startswith(("embeddings.", "encoder."))}
        h = self.config.hidden_size
        side = 1 / math.sqrt(h)
        self.head = {
            "classifier.weight": weights.get("classifier.weight", torch.empty(2, h).uniform_(-side, side)),
            "classifier.bias": weights.get("classifier.bias", torch.empty(2).uniform_(-side, side)),
        }
        self.body = {name: t for name, t in self.weights.items() if name.startswith("encoder.")}

    def forget(self):
        """Frees the weights that a form has copied."""
        self.body, self.head = dict.fromkeys(self.body), dict.fromkeys(self.head)
        self.weights = {name: t for name, t in self.weights.items() if name.startswith("embeddings.")}

    def trained(self):
        """Tensors that train, those of the head last."""
        return {**self.body, **self.head}

    def noise_init(self):
        """The first log-std of body and head, which is that of the prior too."""
        def mean(tensors):
            return sum(t.abs().sum().item() for t in tensors) / sum(t.numel() for t in tensors)
        return 2 * math.log(mean(self.body.values())), math.log(mean(self.head.values()))

    def tokens(self, padded):
        return len(self.ids) * LENGTH if padded else sum(map(len, self.ids))

    def padded(self):
        """Ids and mask, (texts, 128)."""
        ids = torch.zeros(len(self.ids), LENGTH, dtype=torch.long)
        mask = torch.zeros(len(self.ids), LENGTH)
        for row, text in enumerate(self.ids):
            ids[row, :len(text)] = torch.tensor(text)
            mask[row, :len(text)] = 1
        return ids, mask


class Authors:
    """The form of the published program."""

    def __init__(self, task):
        self.task = task
        self.ids, self.mask = task.padded()
        config = task.config
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        self.bert = BertModel._from_config(config, attn_implementation="eager", add_pooling_layer=False)
        self.bert.load_state_dict(task.weights, strict=False)
        self.bert.embeddings.requires_grad_(False)
        self.head = torch.nn.Linear(config.hidden_size, 2)
        self.head.load_state_dict({name.removeprefix("classifier."): t for name, t in task.head.items()})
        named = dict(self.bert.named_parameters())
        body = [named[name] for name in task.body]
        head = [self.head.weight, self.head.bias]
        self.weights = body + head
        self.initial = [w.detach().clone() for w in self.weights]
        p_body, p_head = task.noise_init()
        first = [p_body] * len(body) + [p_head] * len(head)
        self.p = [torch.nn.Parameter(torch.full_like(w, v)) for w, v in zip(self.weights, first)]
        self.b = [torch.nn.Parameter(torch.tensor(v)) for v in first]
        n = len(body)
        self.for_w = torch.optim.AdamW([{"params": body, "lr": RATE}, {"params": head, "lr": HEAD_RATE}], weight_decay=DECAY)
        self.for_p = torch.optim.Adam([{"params": self.p[:n]}, {"params": self.p[n:]}], lr=NOISE_RATE)
        self.for_b = torch.optim.Adam([{"params": self.b[:n]}, {"params": self.b[n:]}], lr=NOISE_RATE)
        self.t = 0

    def loss(self):
        hidden = self.bert(input_ids=self.ids, attention_mask=self.mask).last_hidden_state
        return F.cross_entropy(self.head(hidden[:, 0]), self.task.labels)

    def gradients(self):
        """Loss and gradients, by the names of the tensors, at the weights as they are."""
        loss = self.loss()
        loss.backward()
        return loss.item(), {name: w.grad.clone() for name, w in zip(self.task.trained(), self.weights)}

    def update(self, draws=None):
        """One update; draws are the noise, all tensors one after another."""
        noise, scale = [], []
        drawn = draws.split([w.numel() for w in self.weights]) if draws is not None else None
        for i, (w, p) in enumerate(zip(self.weights, self.p)):
            e = torch.randn_like(w) if drawn is None else drawn[i].view_as(w)
            noise.append(torch.clamp(e, -2, 2))
            scale.append(torch.exp(p.detach()))
            w.data = w.data + noise[i] * scale[i]
        for optimiser in (self.for_w, self.for_p, self.for_b):
            optimiser.zero_grad(set_to_none=False)
        loss = self.loss()
        loss.backward()
        for w, p, e, s in zip(self.weights, self.p, noise, scale):
            w.data = w.data - e * s
            p.grad = w.grad * e * s
        kl = 0
        for w, w0, p, b in zip(self.weights, self.initial, self.p, self.b):
            moved = torch.exp(2 * p).sum() + (w - w0).square().sum()
            kl = kl + 0.5 * (torch.exp(-2 * b) * moved - (2 * p - 2 * b + 1).sum())
        bound = 1.5 * K * K * GAMMA + (kl + 10 + 3 * len(self.weights)) / (len(self.task.ids) * GAMMA)
        bound.backward()
        self.t += 1
        for optimiser in (self.for_p, self.for_b):
            optimiser.param_groups[1]["lr"] = head_noise_rate(self.t)
        for optimiser in (self.for_w, self.for_p, self.for_b):
            optimiser.step()
        return loss.item(), kl.item()

    def state(self):
        """w, p and b, each one vector."""
        flat = lambda tensors: torch.cat([t.detach().reshape(-1) for t in tensors])
        return flat(self.weights), flat(self.p), flat(self.b)


class WellWritten:
    """The forms padded and tight."""

    def __init__(self, task, padded, dtype=torch.float32):
        self.task, self.dtype = task, dtype
        self.batch(padded)
        trained = task.trained()
        self.names = list(trained)
        self.w = torch.cat([t.reshape(-1) for t in trained.values()])
        self.w0, self.noise = self.w.clone(), torch.empty_like(self.w)
        self.noisy = self.w.to(dtype, copy=True)
        self.layout(trained)
        head = self.starts[len(task.body)]
        p_body, p_head = task.noise_init()
        self.p = torch.full_like(self.w, p_body)
        self.p[head:] = p_head
        self.b = torch.tensor([p_body] * len(task.body) + [p_head] * len(task.head))
        self.db = torch.empty_like(self.b)
        self.scratch = torch.empty(2, PIECE)
        self.optimisers(head)
        self.t = 0

    def batch(self, padded):
        """The tokens one after another, texts in the order of their lengths, so that
        those of one length are a block: groups has (start, texts, length)."""
        order = sorted(range(len(self.task.ids)), key=lambda row: len(self.task.ids[row]))
        self.labels = self.task.labels[order]
        texts = [self.task.ids[row] for row in order]
        lengths = [LENGTH if padded else len(text) for text in texts]
        self.mask = None
        if padded:
            real = torch.tensor([[i < len(text) for i in range(LENGTH)] for text in texts])
            self.mask = torch.zeros(len(texts), 1, 1, LENGTH, dtype=self.dtype).masked_fill(~real[:, None, None], -torch.inf)
            texts = [text + [0] * (LENGTH - len(text)) for text in texts]
        self.ids = torch.tensor([token for text in texts for token in text])
        self.positions = torch.cat([torch.arange(n) for n in lengths])
        self.groups, self.first, start = [], [], 0
        for n in sorted(set(lengths)):
            count = lengths.count(n)
            self.groups.append((start, count, n))
            self.first += range(start, start + count * n, n)
            start += count * n

    def layout(self, trained):
        """Parameters that are views of the noisy vector, and the pieces of every tensor."""
        self.starts, self.leaves, self.pieces, start = [], {}, [], 0
        for name, t in trained.items():
            end = start + t.numel()
            self.starts.append(start)
            self.leaves[name] = self.noisy[start:end].view_as(t).detach().requires_grad_()
            self.pieces.append([(lo, min(lo + PIECE, end)) for lo in range(start, end, PIECE)])
            start = end

    def optimisers(self, head):
        """Fused Adam on the pieces of w and p; b is small."""
        parts = [[], []]
        for lo, hi in (piece for pieces in self.pieces for piece in pieces):
            parts[lo >= head].append((lo, hi))
        self.w_pieces, self.p_pieces = ({piece: v[piece[0]:piece[1]] for part in parts for piece in part} for v in (self.w, self.p))
        groups = lambda of: [{"params": [of[piece] for piece in part]} for part in parts]
        self.for_w = torch.optim.AdamW(groups(self.w_pieces), lr=RATE, weight_decay=DECAY, fused=True)
        self.for_w.param_groups[1]["lr"] = HEAD_RATE
        self.for_p = torch.optim.Adam(groups(self.p_pieces), lr=NOISE_RATE, fused=True)
        n = len(self.task.body)
        b = [self.b[:n], self.b[n:]]
        b[0].grad, b[1].grad = self.db[:n], self.db[n:]
        self.for_b = torch.optim.Adam([{"params": [part]} for part in b], lr=NOISE_RATE)

    def loss(self):
        config, x = self.task.config, self.embed()
        for i in range(config.num_hidden_layers):
            x = self.layer(f"encoder.layer.{i}.", x)
        logits = self.linear("classifier", x[self.first])
        return F.cross_entropy(logits.float(), self.labels)

    def embed(self):
        w = self.task.weights
        x = w["embeddings.word_embeddings.weight"][self.ids]
        x += w["embeddings.position_embeddings.weight"][self.positions]
        x += w["embeddings.token_type_embeddings.weight"][0]
        x = F.layer_norm(x, x.shape[1:], w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"], self.task.config.layer_norm_eps)
        return x.to(self.dtype)

    def layer(self, at, x):
        q, k, v = (self.linear(at + "attention.self." + name, x) for name in ("query", "key", "value"))
        x = self.norm(at + "attention.output.LayerNorm", x + self.linear(at + "attention.output.dense", self.attention(q, k, v)))
        y = F.gelu(self.linear(at + "intermediate.dense", x))
        return self.norm(at + "output.LayerNorm", x + self.linear(at + "output.dense", y))

    def attention(self, *qkv):
        out = []
        for start, texts, length in self.groups:
            rows = slice(start, start + texts * length)
            q, k, v = (x[rows].view(texts, length, self.task.config.num_attention_heads, -1).transpose(1, 2) for x in qkv)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)
            out.append(y.transpose(1, 2).reshape(texts * length, -1))
        return out[0] if len(out) == 1 else torch.cat(out)

    def linear(self, name, x):
        return F.linear(x, self.leaves[name + ".weight"], self.leaves[name + ".bias"])

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[1:], self.leaves[name + ".weight"], self.leaves[name + ".bias"], self.task.config.layer_norm_eps)

    def gradients(self):
        """Loss and gradients, by the names of the tensors, at the noisy weights as they are."""
        loss = self.loss()
        loss.backward()
        return loss.item(), {name: leaf.grad.clone() for name, leaf in self.leaves.items()}

    def update(self, draws=None):
        """One update; draws are the noise, all tensors one after another."""
        self.draw(draws)
        loss = self.loss()
        loss.backward()
        kl = self.bound()
        self.t += 1
        self.for_p.param_groups[1]["lr"] = self.for_b.param_groups[1]["lr"] = head_noise_rate(self.t)
        for optimiser in (self.for_w, self.for_p, self.for_b):
            optimiser.step()
        for leaf in self.leaves.values():
            leaf.grad = None
        return loss.item(), kl

    def draw(self, draws):
        """noise = e^p·ε, noisy = w + noise."""
        for lo, hi in (piece for pieces in self.pieces for piece in pieces):
            e = self.scratch[0, :hi - lo]
            e.normal_() if draws is None else e.copy_(draws[lo:hi])
            noise = torch.exp(self.p[lo:hi], out=self.noise[lo:hi]).mul_(e.clamp_(-2, 2))
            torch.add(self.w[lo:hi], noise, out=self.noisy[lo:hi])

    def bound(self):
        """The gradients of loss and bound for w, p and b; KL. The noise becomes dp."""
        kl, weight = 0.0, 1 / (len(self.task.ids) * GAMMA)
        for j, b in enumerate(self.b.tolist()):
            gradient, narrow = self.leaves[self.names[j]].grad.view(-1), math.exp(-2 * b)
            ratios = logs = moved = 0.0  # sums of e^{2(p−b)} − 1, 2(p−b), (w−w0)²
            for lo, hi in self.pieces[j]:
                g = gradient[lo - self.starts[j]:hi - self.starts[j]].float()
                ratio, step = self.scratch[0, :hi - lo], self.scratch[1, :hi - lo]
                torch.sub(self.p[lo:hi], b, out=ratio).mul_(2)
                logs += ratio.sum().item()
                ratios += ratio.expm1_().sum().item()
                self.p_pieces[lo, hi].grad = self.noise[lo:hi].mul_(g).add_(ratio, alpha=weight)
                torch.sub(self.w[lo:hi], self.w0[lo:hi], out=step)
                moved += torch.dot(step, step).item()
                self.w_pieces[lo, hi].grad = g.add_(step, alpha=narrow * weight)
            kl += 0.5 * (ratios + narrow * moved - logs)
            self.db[j] = -(ratios + narrow * moved) * weight
        return kl

    def state(self):
        return self.w, self.p, self.b


def bytes_needed(task, form, dtype):
    """A count of the memory of an update: what is kept a token and layer for the backward
    pass, with H numbers in a row of it, and the vectors of all trained weights."""
    c, trained = task.config, sum(t.numel() for t in task.trained().values())
    rows = task.tokens(form != "tight") * c.num_hidden_layers
    if form == "authors":
        return 4 * rows * (24 * c.hidden_size + 3 * c.num_attention_heads * LENGTH) + 4 * 19 * trained
    size = 2 if dtype == torch.bfloat16 else 4
    return size * rows * 16 * c.hidden_size + 4 * 11 * trained


def refuse_unless_fits(needed):
    """Ends the program where memory would run out."""
    with open("/proc/meminfo") as f:
        available = next(int(line.split()[1]) << 10 for line in f if line.startswith("MemAvailable:"))
    if needed > available:
        sys.exit(f"torch_pac: the update needs about {needed / 1e9:.1f} GB, {available / 1e9:.1f} GB are available; "
                 "take a machine with more memory or a smaller --batch, which is another measurement")


def make(task, form, dtype):
    if form == "authors":
        return Authors(task)
    return WellWritten(task, form == "padded", dtype)


def measure(a):
    """Times updates and prints a line of JSON; the first is not counted where there are more."""
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[a.dtype]
    if a.form == "authors" and a.dtype != "f32":
        sys.exit("torch_pac: --form authors runs in f32 only")
    task = Task(a.model, a.data, a.batch)
    refuse_unless_fits(bytes_needed(task, a.form, dtype))
    form, seconds = make(task, a.form, dtype), []
    task.forget()
    for _ in range(a.updates):
        start = time.perf_counter()
        form.update()
        seconds.append(time.perf_counter() - start)
    seconds = sorted(seconds[1:] or seconds)
    n = len(seconds)
    print(json.dumps({
        "name": "torch/pac/" + a.form, "precision": a.dtype, "threads": torch.get_num_threads(), "torch": torch.__version__,
        "batch": len(task.ids), "tokens": task.tokens(a.form != "tight"), "repeats": n,
        "seconds": {"best": seconds[0], "median": (seconds[(n - 1) // 2] + seconds[n // 2]) / 2},
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10}))


def check(a):
    """Holds all forms against pactune's loss and gradients without noise, then against one
    another over three updates with the same noise. Each prints its largest difference."""
    lines = lambda name: [json.loads(line) for line in open(f"{a.check}/{name}.jsonl")]
    want = next(line["loss"] for line in lines("metrics") if line["split"] == "train")
    tensors = {line["tensor"].removeprefix("bert."): line for line in lines("components") if line["step"] == 1}
    task = Task(a.check, a.data, a.batch)
    for name in ("authors", "padded", "tight"):
        loss, gradients = make(task, name, torch.float32).gradients()
        assert set(gradients) == set(tensors), set(gradients) ^ set(tensors)
        worst = 0.0
        for tensor, g in gradients.items():
            t, size = tensors[tensor], g.abs().max().item()
            for got, wanted, scale in ((g.double().norm().item(), t["grad_norm"], t["grad_norm"]),
                                       (g.max().item(), t["grad_max"], size), (g.min().item(), t["grad_min"], size)):
                # key.bias, which attention does not see, has a gradient of rounding only
                worst = max(worst, abs(got - wanted) / (scale + 1e-4))
        print(f"{name:8} loss {loss:.7f}, pactune {want:.7f}; norms and extremes of {len(tensors)} gradients within {worst:.1e}")
        # float32: sums of thousands of terms in another order
        assert abs(loss - want) < 2e-6 and worst < 2e-5, name
    forms = [make(task, name, torch.float32) for name in ("authors", "padded", "tight")]
    generator = torch.Generator().manual_seed(1)
    for t in range(3):
        draws = torch.randn(forms[1].w.numel(), generator=generator)
        results = [form.update(draws) for form in forms]
        for form, (loss, kl) in zip(forms, results):
            apart = [(x - y).abs().mean().item() for x, y in zip(form.state(), forms[2].state())]
            print(f"update {t + 1}: loss {loss:.6f}, KL {kl:9.2f}; w, p, b are {apart[0]:.1e}, {apart[1]:.1e}, {apart[2]:.1e} from tight's on average")
            # Adam's first steps are as large where a gradient is rounding, as b's is; the
            # authors' form sums KL in float32 and takes its weights back by differences
            limits = (1e-6, 1e-3, 5e-2) if form is forms[0] else (1e-7, 1e-6, 2e-3)
            assert all(x < limit for x, limit in zip(apart, limits)), limits


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--form", choices=["authors", "padded", "tight"], default="tight")
    parser.add_argument("--model", help="folder of the model")
    parser.add_argument("--data", required=True, help="a text, a tab and a label, 0 or 1, on each line")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--batch", type=int, default=100, help="the first so many texts")
    parser.add_argument("--check", help="folder of pactune's run to compare with")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    check(a) if a.check else measure(a)


if __name__ == "__main__":
    main()
