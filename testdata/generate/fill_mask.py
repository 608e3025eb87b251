"""Compares pactune fill-mask with transformers on one model folder.

    pip install torch==2.4.1 transformers==4.46.3
    go build -o pactune ./cmd/pactune
    python testdata/generate/fill_mask.py DIR ./pactune [SENTENCE...]

DIR must be a whole BertForMaskedLM for transformers: no weight missing, none
left over, decoder tied. The five likeliest tokens of each [MASK] must be the
same in the same order, and their probabilities equal to 1e-4 of each: float32
moves a logit, of the order of 10, by some 1e-5 on either side, and a probability
by as much of itself. Tokens that lie nearer to each other may change places.
"""
import json
import subprocess
import sys

import torch
from transformers import AutoConfig, AutoTokenizer, BertForMaskedLM

TOP, TOLERANCE = 5, 1e-4
SENTENCES = [
    "he went [MASK] the house .",
    "The capital of France is [MASK].",
    "[MASK] is a [MASK] of the garden, and she [MASK] it.",
    "[MASK]",
    "Water the plants in the [MASK], then close the door!",
]


def theirs(folder, sentences):
    """For each sentence a list for each mask of (token, probability), one more than TOP."""
    assert AutoConfig.from_pretrained(folder).architectures == ["BertForMaskedLM"], "architectures"
    model, info = BertForMaskedLM.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    assert not any(info.values()), info
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    model.eval()
    tokenizer, answers = AutoTokenizer.from_pretrained(folder), []
    for s in sentences:
        inputs = tokenizer(s, return_tensors="pt")
        with torch.no_grad():
            p = model(**inputs).logits[0].softmax(-1)
        masks = (inputs.input_ids[0] == tokenizer.mask_token_id).nonzero()[:, 0]
        answers.append([[(tokenizer.convert_ids_to_tokens(i), v) for v, i in zip(*map(torch.Tensor.tolist, p[at].topk(TOP + 1)))]
                        for at in masks])
    return answers


def ours(folder, program, sentences):
    out = subprocess.run([program, "fill-mask", "--model_name_or_path", folder, "--json", "--top_k", str(TOP)],
                         input="\n".join(sentences), capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    lists = [a if isinstance(a[0], list) else [a] for a in lines]
    return [[[(c["token"], c["score"]) for c in mask] for mask in a] for a in lists]


def near(a, b):
    return abs(a - b) <= TOLERANCE * max(a, b)


def compare(sentence, want, got):
    """The worst relative difference of the probabilities of one mask."""
    for i, ((token, p), (other, q)) in enumerate(zip(want, got)):
        assert near(p, q), f"{sentence}: place {i}: {token} {p}, pactune {other} {q}"
        tie = any(near(p, r) for t, r in want if t != token)
        assert token == other or tie, f"{sentence}: place {i}: {token} {p}, pactune {other} {q}"
    return max(abs(p - q) / p for (_, p), (_, q) in zip(want, got))


def main():
    folder, program, *sentences = sys.argv[1:]
    sentences = sentences or SENTENCES
    worst = 0.0
    a, b = theirs(folder, sentences), ours(folder, program, sentences)
    assert len(a) == len(b), (len(a), len(b))
    for s, want, got in zip(sentences, a, b):
        assert len(want) == len(got) and all(len(g) == TOP for g in got), (s, got)
        for w, g in zip(want, got):
            worst = max(worst, compare(s, w, g))
            print(s, " ".join(f"{t} {p:.4f}" for t, p in g))
    print(f"{len(sentences)} sentences agree; largest relative difference of a probability {worst:.1e}")


if __name__ == "__main__":
    main()
