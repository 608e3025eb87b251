"""Records what PyTorch's and transformers' optimisers do, into optim/testdata.

    pip install torch==2.4.1 transformers==4.46.3 numpy==1.26.4 safetensors==0.4.5
    python testdata/generate/optim_golden.py

writes golden.json (the cases) and golden.safetensors (the numbers, float64):

  traces     20 updates of four tensors in three groups by torch.optim.AdamW or
             transformers' own AdamW, gradients added up over micro-batches,
             clipped once an update by torch's clip_grad_norm_, on single
             tensors (CWGNC), on all together, or one after the other
  schedules  get_scheduler's rates, every step of a run and some after it

The gradient of tensor p in micro-batch k of n at update t is
size·(a∘w + b_tk)/n, by autograd; a and b are `uniform` values (bert_golden.py),
made again in optim/golden_test.go. It depends on the weights, so that an error
of one update goes on to the next.

PyTorch has no AdamW without bias correction; METHODS' formulas, written down
below in NumPy, stand in, and are held to the two libraries where they have it.
"""
import json
import os

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from torch.nn.utils import clip_grad_norm_
from transformers import get_scheduler

from bert_golden import uniform

assert torch.__version__.split("+")[0] == "2.4.1", torch.__version__
assert transformers.__version__ == "4.46.3", transformers.__version__

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "optim", "testdata")
UPDATES, BETAS = 20, (0.9, 0.999)

# The gradients of "small" are of the size of eps. A group is (rate, decay).
GROUPS = [(1e-3, 0.1), (1e-3, 0.0), (1e-2, 0.01)]
TENSORS = [dict(name="matrix", n=221, group=0, size=1.0), dict(name="small", n=64, group=0, size=2.0**-27),
           dict(name="bias", n=17, group=1, size=0.25), dict(name="head", n=5, group=2, size=4.0)]


def trace(name, form, eps=1e-8, correct=True, micro=1, component=0.0, whole=0.0, schedule="constant", warmup=0):
    return dict(name=name, form=form, eps=eps, correct=correct, micro=micro, component=component, whole=whole,
                schedule=schedule, warmup=warmup)


TRACES = [trace(f"{form}, eps {eps}, correction {'on' if correct else 'off'}", form, eps, correct)
          for form in ("torch", "hf") for eps in (1e-8, 1e-6) for correct in (True, False)] + [
    trace("torch, accumulation, linear with warm-up", "torch", micro=4, schedule="linear", warmup=5),
    trace("torch, global clipping", "torch", micro=2, whole=1.0, schedule="linear"),
    trace("hf, global clipping", "hf", whole=3.0, schedule="cosine", warmup=3),
    trace("CWGNC, hf, accumulation", "hf", micro=3, component=0.05, schedule="linear"),
    trace("CWGNC, torch, accumulation", "torch", micro=3, component=0.05, schedule="linear"),
    trace("CWGNC, hf, large threshold", "hf", micro=2, component=4.5, schedule="linear", warmup=2),
    trace("CWGNC, torch, large threshold, eps 1e-06", "torch", eps=1e-6, micro=2, component=4.5),
    trace("CWGNC, then global clipping", "hf", micro=2, component=0.5, whole=0.6, correct=False),
]


def start():
    return [uniform(f"{x['name']}/weights", x["n"]) for x in TENSORS]


def noise(x, t, k):
    return uniform(f"{x['name']}/noise/{t}/{k}", x["n"])


def slope(x):
    return uniform(f"{x['name']}/slope", x["n"])


def formulas(c, scales):
    """The trace by the formulas, in NumPy, without autograd."""
    w, m, v = start(), [0.0] * len(TENSORS), [0.0] * len(TENSORS)
    for t in range(1, UPDATES + 1):
        g = [x["size"] * (slope(x) * w[i] + sum(noise(x, t, k) for k in range(c["micro"])) / c["micro"])
             for i, x in enumerate(TENSORS)]
        if c["component"]:
            g = [d * min(1, c["component"] / (np.sqrt((d * d).sum()) + 1e-6)) for d in g]
        if c["whole"]:
            norm = np.sqrt(sum((d * d).sum() for d in g))
            g = [d * min(1, c["whole"] / (norm + 1e-6)) for d in g]
        c1, c2 = (1 - BETAS[0] ** t, 1 - BETAS[1] ** t) if c["correct"] else (1.0, 1.0)
        for i, x in enumerate(TENSORS):
            lr, decay = GROUPS[x["group"]]
            lr *= scales[t - 1]
            m[i] = BETAS[0] * m[i] + (1 - BETAS[0]) * g[i]
            v[i] = BETAS[1] * v[i] + (1 - BETAS[1]) * g[i] ** 2
            if c["form"] == "torch":
                w[i] = w[i] * (1 - lr * decay)
                w[i] = w[i] - lr * (m[i] / c1) / (np.sqrt(v[i] / c2) + c["eps"])
            else:
                w[i] = w[i] - lr * np.sqrt(c2) / c1 * m[i] / (np.sqrt(v[i]) + c["eps"])
                w[i] = w[i] - lr * decay * w[i]
    return w, m, v


def library(c, dtype=torch.float64):
    """The trace by torch and transformers: weights, moments, and of every
    update the norms before clipping, of each tensor and of all."""
    params = [torch.nn.Parameter(torch.tensor(w, dtype=dtype)) for w in start()]
    groups = [dict(params=[p for p, x in zip(params, TENSORS) if x["group"] == i], lr=lr, weight_decay=decay)
              for i, (lr, decay) in enumerate(GROUPS)]
    if c["form"] == "torch":
        opt = torch.optim.AdamW(groups, betas=BETAS, eps=c["eps"])
    else:
        opt = transformers.AdamW(groups, betas=BETAS, eps=c["eps"], correct_bias=c["correct"], no_deprecation_warning=True)
    rates = get_scheduler(c["schedule"], opt, c["warmup"], UPDATES)
    norms, all_norms, scales = [], [], []
    for t in range(1, UPDATES + 1):
        opt.zero_grad()
        for k in range(c["micro"]):
            loss = sum(x["size"] * ((torch.tensor(slope(x)) * p * p / 2).sum() + (torch.tensor(noise(x, t, k)) * p).sum())
                       for p, x in zip(params, TENSORS))
            (loss / c["micro"]).backward()
        norms.append([clip_grad_norm_(p, c["component"] or 1e30).item() for p in params])
        all_norms.append(clip_grad_norm_(params, c["whole"] or 1e30).item())  # after clipping the components
        scales.append(rates.get_last_lr()[0] / GROUPS[0][0])
        opt.step()
        rates.step()
    state = [opt.state[p] for p in params]
    return dict(w=[p.detach().numpy() for p in params], g=[p.grad.numpy() for p in params],
                m=[s["exp_avg"].numpy() for s in state], v=[s["exp_avg_sq"].numpy() for s in state],
                norms=np.array(norms), all_norms=np.array(all_norms), scales=np.array(scales))


def traces(recorded):
    for i, c in enumerate(TRACES):
        r = library(c)
        w, m, v = formulas(c, r["scales"])
        has = c["correct"] or c["form"] == "hf"
        off = max(np.abs(a - b).max() for a, b in zip(w, r["w"]))
        single = max(np.abs(a - b).max() for a, b in zip(library(c, torch.float32)["w"], r["w"]))
        print(f"{c['name']}: formulas off by {off:.1e}, float32 by {single:.1e}")
        if has:
            assert off < 1e-14
        else:  # the trace is the formulas': torch corrects the bias always
            assert c["component"] == c["whole"] == 0
            r.update(w=w, m=m, v=v, norms=np.array([]), all_norms=np.array([]), g=[])
        for key in ("w", "m", "v", "g"):
            recorded[f"{i}.{key}"] = np.concatenate(r[key]) if r[key] else np.array([])
        for key in ("norms", "all_norms"):
            recorded[f"{i}.{key}"] = np.ascontiguousarray(r[key])


# All but reduce_lr_on_plateau, which follows evaluations and not the step.
SCHEDULES = [dict(name=n, kwargs=k) for n, k in [
    ("linear", {}), ("cosine", {}), ("cosine", dict(num_cycles=1.25)), ("cosine_with_restarts", {}), ("cosine_with_restarts", dict(num_cycles=3)),
    ("cosine_with_min_lr", dict(min_lr=3e-6)), ("cosine_with_min_lr", dict(min_lr_rate=0.1, num_cycles=1.5)),
    ("polynomial", {}), ("polynomial", dict(lr_end=5e-6)), ("constant", {}), ("constant_with_warmup", {}), ("inverse_sqrt", {}),
    ("warmup_stable_decay", dict(num_stable_steps=3, num_decay_steps=50)),
    ("warmup_stable_decay", dict(num_stable_steps=0, num_decay_steps=60, min_lr_ratio=0.2, num_cycles=0.75))]]
RUNS = [(0, 1), (0, 7), (3, 7), (7, 7), (0, 100), (10, 110), (40, 100)]  # warm-up and updates
LR, AFTER = 2e-5, 5


def schedules(recorded):
    for i, schedule in enumerate(SCHEDULES):
        name = schedule["name"]
        for warmup, total in RUNS:
            if name == "polynomial" and warmup == total:
                continue  # transformers divides by zero
            opt = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=LR)
            s, rates = get_scheduler(name, opt, warmup, total, schedule["kwargs"]), []
            for _ in range(total + AFTER):
                rates.append(s.get_last_lr()[0])
                opt.step()
                s.step()
            recorded[f"schedule/{i}/{warmup}/{total}"] = np.array(rates)


if __name__ == "__main__":
    recorded = {}
    traces(recorded)
    schedules(recorded)
    save_file(recorded, os.path.join(OUT, "golden.safetensors"))
    with open(os.path.join(OUT, "golden.json"), "w") as f:
        json.dump(dict(updates=UPDATES, groups=[dict(lr=lr, decay=d) for lr, d in GROUPS], tensors=TENSORS, traces=TRACES,
                       schedules=SCHEDULES, runs=RUNS, lr=LR, after=AFTER), f, indent=1)
        f.write("\n")
