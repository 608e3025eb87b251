"""Asks transformers and pactune to fill the masks of embedded/testdata/cloze.txt.

    pip install torch transformers==4.46.3
    python testdata/generate/cloze.py ./pactune [FOLDER]

For each sentence the five likeliest words of both from the encoder in embedded/encoder, or
in FOLDER, which have to be the same, in the same order where their scores differ by more than
rounding; then how often the masked word is among them, for this encoder, for one of its shape
with random weights, and for the five commonest words of the model's bias, whatever the sentence.
"""
import json
import pathlib
import subprocess
import sys

import torch
from transformers import AutoTokenizer, BertForMaskedLM

root = pathlib.Path(__file__).resolve().parents[2]
program = sys.argv[1]
folder = sys.argv[2] if len(sys.argv) > 2 else str(root / "embedded/encoder")
lines = [l.split("\t") for l in (root / "embedded/testdata/cloze.txt").read_text().splitlines()]
sentences, words = [l[0] for l in lines], [l[1] for l in lines]

tokenizer = AutoTokenizer.from_pretrained(folder)
model = BertForMaskedLM.from_pretrained(folder, torch_dtype=torch.float32).eval()


def first(model, sentence):
    batch = tokenizer(sentence, return_tensors="pt")
    at = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero().item()
    with torch.no_grad():
        p = model(**batch).logits[0, at].double().softmax(-1)
    return [(tokenizer.convert_ids_to_tokens(i.item()), p[i].item()) for i in p.topk(5).indices]


answers = subprocess.run([program, "fill-mask", "--json", "--model_name_or_path", folder],
                         input="\n".join(sentences), capture_output=True, text=True, check=True).stdout.splitlines()
worst, found = 0, 0
for sentence, word, answer in zip(sentences, words, answers, strict=True):
    ours, theirs = [(c["token"], c["score"]) for c in json.loads(answer)], first(model, sentence)
    for (a, p), (b, q) in zip(ours, theirs, strict=True):
        assert a == b or abs(p - q) < 1e-5 * q, (sentence, ours, theirs)
        worst = max(worst, abs(p - q) / q)
    inside = word in [token for token, _ in ours]
    found += inside
    print(f"{'yes' if inside else 'no ':3}  {sentence:50}  {word:6}  " + "  ".join(f"{t} {p:.2f}" for t, p in ours))

torch.manual_seed(1)
drawn = BertForMaskedLM(model.config).eval()
common = [tokenizer.convert_ids_to_tokens(i.item()) for i in model.cls.predictions.bias.topk(5).indices]
print(f"the word is among the first five for {found} of {len(words)} sentences;",
      f"with random weights for {sum(w in dict(first(drawn, s)) for s, w in zip(sentences, words))};",
      f"always answering {' '.join(common)}: {sum(w in common for w in words)}")
print(f"transformers and pactune give the same tokens; their probabilities differ by {worst:.1e} at most, relative")
