"""Reads what `pactune train` wrote with transformers, and compares logits.

    pip install torch==2.4.1 transformers==4.46.3 numpy==1.26.4
    go build ./cmd/pactune
    python testdata/generate/read_run.py ./pactune               # records
    python testdata/generate/read_run.py ./pactune RUN FILE...   # compares

Recording runs the small JOBS with the program, reads every run's folder with
AutoTokenizer and the Auto class of its config.json, and writes into
classify/testdata/transformers.json the SHA-256 of the files that transformers
read and its logits, computed in float64. classify/transformers_test.go makes the
same runs: the files must be the same to the byte and the answers those logits.

Both forms print the largest difference to `pactune predict --probs`; the
second one does it for any folder and files of data (.txt, .jsonl). An answer in
probabilities is compared by the differences of its log-odds.
"""
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

assert torch.__version__.split("+")[0] == "2.4.1", torch.__version__
assert transformers.__version__ == "4.46.3", transformers.__version__
torch.set_num_threads(1)

CLASSIFY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "classify"))
READ = ["config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]

CLASSES = "train_file testdata/transformers_classes.jsonl validation_file testdata/transformers_classes.jsonl "
PAIRS = "train_file testdata/transformers_pairs.jsonl validation_file testdata/transformers_pairs.jsonl "
LISTS = "train_file testdata/transformers_lists.jsonl validation_file testdata/transformers_lists.jsonl "
SHORT = "per_device_train_batch_size 8 max_steps 30 learning_rate 2e-3 "
JOBS = [  # name, model, options as "name value …" with paths as seen from classify/
    ("adamw", "init", CLASSES + SHORT + "method adamw"),
    ("cwgnc, regression on pairs", "init", PAIRS + SHORT + "method cwgnc"),
    ("adamw, lists of labels", "init", LISTS + SHORT + "method adamw"),
    ("pac", "adamw", CLASSES + "method pac pac_k_samples 4 num_train_epochs 12 pac_stage1_epochs 8 per_device_train_batch_size 4"),
]


def examples(path):
    """Texts, or pairs of texts."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    if path.endswith(".txt"):
        return [(line.rsplit("\t", 1)[0],) for line in lines]
    rows = [json.loads(line) for line in lines]
    return [(r["text"],) if "text" in r else (r["sentence1"], r["sentence2"]) for r in rows]


def transformers_logits(folder, texts):
    """The name of the class, and the logits of padded batches in float64."""
    config = AutoConfig.from_pretrained(folder)
    token = config.architectures == ["BertForTokenClassification"]
    auto = AutoModelForTokenClassification if token else AutoModelForSequenceClassification
    model, info = auto.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    assert type(model).__name__ == config.architectures[0]
    model, tok = model.double().eval(), AutoTokenizer.from_pretrained(folder)
    out = []
    with torch.no_grad():
        for at in range(0, len(texts), 8):
            batch = list(zip(*texts[at:at + 8]))
            logits = model(**tok(*map(list, batch), padding=True, truncation=True, max_length=128, return_tensors="pt")).logits
            out += (logits[:, 0] if token else logits).tolist()
    return config, out


def answers(program, folder, texts, config):
    """What `pactune predict` says: probabilities by label, or the score."""
    keys = ("sentence1", "sentence2") if len(texts[0]) == 2 else ("text",)
    lines = "".join(json.dumps(dict(zip(keys, t))) + "\n" for t in texts)
    run = subprocess.run([program, "predict", folder, "-", "--probs", "--json", "--max_seq_length", "128"],
                         input=lines, text=True, check=True, stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    if config.num_labels == 1:
        return [[r["score"]] for r in rows]
    return [[r["probs"][config.id2label[c]] for c in range(config.num_labels)] for r in rows]


def difference(problem, logits, answer):
    if problem == "regression":
        return abs(logits[0] - answer[0])
    if problem == "multi_label_classification":
        return max(abs(z - math.log(p / (1 - p))) for z, p in zip(logits, answer))
    return max(abs((z - logits[0]) - math.log(p / answer[0])) for z, p in zip(logits, answer))


def compare(program, folder, texts):
    config, logits = transformers_logits(folder, texts)
    worst = max(difference(config.problem_type, z, p) for z, p in zip(logits, answers(program, folder, texts, config)))
    apart = max(max(of) - min(of) for of in zip(*logits))
    print(f"{config.architectures[0]}, {config.problem_type}: {len(texts)} texts, logits up to "
          f"{max(abs(v) for z in logits for v in z):.2f} and {apart:.2g} apart, worst difference {worst:.1e}")
    return config, logits


def record(program):
    jobs = []
    with tempfile.TemporaryDirectory() as work:
        at = lambda name: os.path.join(work, name)
        quiet = dict(check=True, cwd=CLASSIFY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run([program, "init", "--size", "tiny", "--vocab", "../testdata/vocab.txt", "--seed", "1", at("init")], **quiet)
        for name, model, options in JOBS:
            settings = dict(zip(*[iter(options.split())] * 2))
            subprocess.run([program, "train", "--model_name_or_path", at(model), "--output_dir", at(name)] +
                           [word for key, value in settings.items() for word in ("--" + key, value)], **quiet)
            config, logits = compare(program, at(name), examples(os.path.join(CLASSIFY, settings["validation_file"])))
            sums = {f: hashlib.sha256(open(os.path.join(at(name), f), "rb").read()).hexdigest() for f in READ}
            jobs.append(dict(name=name, model=model, options=options, sha256=sums, logits=logits))
    with open(os.path.join(CLASSIFY, "testdata", "transformers.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(j) for j in jobs) + "\n]\n")


if __name__ == "__main__":
    program = os.path.abspath(sys.argv[1])
    if len(sys.argv) == 2:
        record(program)
    else:
        compare(program, sys.argv[2], [t for path in sys.argv[3:] for t in examples(path)])
