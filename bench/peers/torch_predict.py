"""Answers of a BERT in PyTorch, as `pactune bench predict` times them.

    torch_predict.py [--layers 12 --hidden 768] [--batch 32] [--dtype f32|bf16]

times transformers' BertForSequenceClassification with random weights, in inference
mode and with fused attention, on one text and on a batch, and prints a line of JSON
for each of

    pad128    texts padded to 128, as run_glue.py does by default
    longest   texts padded to the longest of the batch, as a good service does

Texts are random tokens with the lengths of SST-2's sentences, those of `bench
predict`: sst2_lengths.txt, from which a batch of n takes every 872/n-th. With --seq N
each has N tokens. sentences_per_second is of the best repetition, after one that is
not counted; tokens leave padding out. bf16 is torch.autocast. It needs torch and
transformers, no files and no network.
"""

import argparse
import json
import os
import resource
import time

import torch
from transformers import BertConfig, BertForSequenceClassification

LENGTH = 128  # of a text in form pad128
VOCAB = 30522


def sentences(n):
    """Lengths of n texts that are spread like the sentences, the shortest first."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sst2_lengths.txt")
    counts = [map(int, line.split()) for line in open(path)]
    lengths = [tokens for tokens, count in counts for _ in range(count)]
    return [lengths[(2 * i + 1) * len(lengths) // (2 * n)] for i in range(n)]


def texts(lengths, width):
    """Ids and mask, (texts, width)."""
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return torch.randint(VOCAB, mask.shape) * mask, mask.long()


def measure(model, form, lengths, a):
    """Times a batch, and prints what came of it."""
    ids, mask = texts(lengths, LENGTH if form == "pad128" else max(lengths))
    seconds = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=a.dtype == "bf16"):
        model(ids, attention_mask=mask)
        while sum(seconds) < a.seconds or len(seconds) < 3:
            start = time.perf_counter()
            model(ids, attention_mask=mask)
            seconds.append(time.perf_counter() - start)
    seconds.sort()
    n = len(seconds)
    print(json.dumps({
        "name": f"torch/predict/{form}/{a.layers}x{a.hidden}/{len(lengths)}", "precision": a.dtype,
        "threads": torch.get_num_threads(), "torch": torch.__version__, "batch": len(lengths), "tokens": sum(lengths),
        "padded_tokens": ids.numel(), "repeats": n,
        "seconds": {"best": seconds[0], "median": (seconds[(n - 1) // 2] + seconds[n // 2]) / 2},
        "sentences_per_second": len(lengths) / seconds[0],
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768, help="width, of 64 for each head")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seq", type=int, default=0, help="tokens of each text; 0: as many as sentences have")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="least time of the repetitions of a line")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    config = BertConfig(vocab_size=VOCAB, num_hidden_layers=a.layers, hidden_size=a.hidden,
                        num_attention_heads=a.hidden // 64, intermediate_size=4 * a.hidden, num_labels=2)
    model = BertForSequenceClassification._from_config(config, attn_implementation="sdpa").eval()
    for batch in (1, a.batch):
        lengths = [a.seq] * batch if a.seq else sentences(batch)
        for form in ("pad128", "longest"):
            measure(model, form, lengths, a)


if __name__ == "__main__":
    main()
