"""Records 20 updates of a tiny BERT by transformers into train/testdata.

    pip install torch==2.4.1 transformers==4.46.3 numpy==1.26.4 safetensors==0.4.5
    python testdata/generate/train_trace.py

BertForSequenceClassification in float64, without dropout, on the weights and
examples of pac_trace.py and a pooler beside them; the optimisers and schedules
of torch and transformers; torch's clip_grad_norm_ on the whole model or on
every tensor alone, once an update.

train_trace.json holds the loss, the norm of the gradient and the rate of every
update; train_trace.safetensors the pooler's initial weights and, for every
case, all weights after the last update.
"""
import json
import os

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import BertConfig, BertForSequenceClassification, get_scheduler

import pac_trace

assert torch.__version__.split("+")[0] == "2.4.1", torch.__version__
assert transformers.__version__ == "4.46.3", transformers.__version__

UPDATES, EXAMPLES = 20, 12
CASES = [
    dict(name="adamw", form="torch", lr=5e-5, decay=0.01, schedule="linear", warmup=3, micro=4, accumulation=1, whole=1.0, component=0,
         options="method adamw learning_rate 5e-5 weight_decay 0.01 warmup_steps 3 per_device_train_batch_size 4 max_grad_norm 1"),
    dict(name="adamw, accumulation", form="torch", lr=1e-3, decay=0.1, schedule="cosine", warmup=0, micro=2, accumulation=3, whole=0.5, component=0,
         options="method adamw learning_rate 1e-3 weight_decay 0.1 lr_scheduler_type cosine per_device_train_batch_size 2 gradient_accumulation_steps 3 max_grad_norm 0.5"),
    dict(name="cwgnc", form="hf", lr=2e-5, decay=0, schedule="linear", warmup=0, micro=6, accumulation=1, whole=0, component=0.05,
         options="method cwgnc per_device_train_batch_size 6"),
    dict(name="cwgnc, accumulation", form="hf", lr=1e-4, decay=0.02, schedule="linear", warmup=2, micro=3, accumulation=2, whole=0, component=0.01,
         options="method cwgnc learning_rate 1e-4 weight_decay 0.02 warmup_steps 2 per_device_train_batch_size 3 gradient_accumulation_steps 2 clip_component_norm 0.01"),
    dict(name="cwgnc, torch form", form="torch", lr=1e-4, decay=0, schedule="constant", warmup=0, micro=4, accumulation=1, whole=0, component=0.1,
         options="method cwgnc adam_form torch learning_rate 1e-4 lr_scheduler_type constant per_device_train_batch_size 4 clip_component_norm 0.1"),
    dict(name="unfreeze", form="hf", lr=1e-4, decay=0, schedule="constant", warmup=0, micro=4, accumulation=1, whole=0, component=0, iteration=6,
         options="method unfreeze learning_rate 1e-4 unfreeze_epochs 2 per_device_train_batch_size 4"),
    dict(name="unfreeze, clipped", form="torch", lr=1e-4, decay=0.1, schedule="linear", warmup=0, micro=2, accumulation=2, whole=0, component=0.05, iteration=4.5,
         options="method unfreeze adam_form torch learning_rate 1e-4 weight_decay 0.1 lr_scheduler_type linear unfreeze_epochs 1.5 "
                 "per_device_train_batch_size 2 gradient_accumulation_steps 2 clip_component_norm 0.05"),
]


def pooler():
    rng = np.random.RandomState(21)
    h = pac_trace.CONFIG["hidden_size"]
    return {"bert.pooler.dense.weight": (0.3 * rng.standard_normal((h, h))).astype(np.float32),
            "bert.pooler.dense.bias": (0.05 * rng.standard_normal(h)).astype(np.float32)}


def loss_of(model, rows):
    longest = max(len(r["ids"]) for r in rows)
    pad = lambda x: x + [0] * (longest - len(x))
    inputs = dict(input_ids=torch.tensor([pad(r["ids"]) for r in rows]), token_type_ids=torch.tensor([pad(r["types"]) for r in rows]),
                  attention_mask=torch.tensor([pad([1] * len(r["ids"])) for r in rows]))
    return model(**inputs, labels=torch.tensor([r["label"] for r in rows])).loss


def layer_of(name):
    if name.startswith("bert.embeddings."):
        return 0
    return int(name.split(".")[3]) if name.startswith("bert.encoder.layer.") else pac_trace.CONFIG["num_hidden_layers"]


def run(case, weights, rows):
    config = BertConfig(**pac_trace.CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=2, attn_implementation="eager")
    model = BertForSequenceClassification(config).double().train()
    params = dict(model.named_parameters())
    with torch.no_grad():
        for name, p in params.items():
            p.copy_(torch.tensor(weights[name]))
    plain = lambda n: n.endswith("bias") or "LayerNorm" in n
    groups = [dict(params=[p for n, p in params.items() if not plain(n)], weight_decay=case["decay"]),
              dict(params=[p for n, p in params.items() if plain(n)], weight_decay=0.0)]
    if case["form"] == "torch":
        opt = torch.optim.AdamW(groups, lr=case["lr"], eps=1e-8)
    else:
        opt = transformers.AdamW(groups, lr=case["lr"], eps=1e-8, no_deprecation_warning=True)
    rates = get_scheduler(case["schedule"], opt, case["warmup"], UPDATES)
    record = []
    size = case["micro"] * case["accumulation"]
    for s in range(UPDATES):
        start = s * size % EXAMPLES
        batch = rows[start:start + size]
        opt.zero_grad()
        if "iteration" in case:  # gradual unfreezing: iteration k = 1, 2, ... trains the layers from L - k up
            k = 1 + int(s / case["iteration"])
            for n, p in params.items():
                p.requires_grad_(layer_of(n) >= max(0, pac_trace.CONFIG["num_hidden_layers"] - k))
        total = 0.0
        for i in range(0, size, case["micro"]):
            loss = loss_of(model, batch[i:i + case["micro"]]) / case["accumulation"]
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(params.values(), case["whole"] or 1e30).item()
        if case["component"]:
            for p in (p for p in params.values() if p.grad is not None):
                torch.nn.utils.clip_grad_norm_(p, case["component"])
        record.append(dict(loss=total, norm=norm, rate=rates.get_last_lr()[0]))
        opt.step()
        rates.step()
    return dict(case, updates=record), {f"{case['name']}/{n}": p.detach().numpy() for n, p in params.items()}


def main():
    first = pooler()
    weights, rows = {**pac_trace.initial_weights(), **first}, pac_trace.examples()
    assert len(rows) == EXAMPLES
    cases, arrays = [], dict(first)
    for case in CASES:
        recorded, after = run(case, weights, rows)
        cases.append(recorded)
        arrays.update({n: np.ascontiguousarray(a) for n, a in after.items()})
        print(case["name"], recorded["updates"][0], recorded["updates"][-1])
    save_file(arrays, os.path.join(pac_trace.OUT, "train_trace.safetensors"))
    with open(os.path.join(pac_trace.OUT, "train_trace.json"), "w") as f:
        json.dump(cases, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
