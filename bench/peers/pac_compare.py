"""Compares an update of PAC-tuning with PyTorch and splits the ratio into its causes.

    pac_compare.py --pactune ./pactune --model DIR --data train.txt --vocab vocab.txt

runs `pactune bench pac` and then torch_pac.py's forms, each as a process of its own
while nothing else should run, and prints a table. DIR is of `pactune init --size base`
and --vocab its vocabulary. The ratio of the authors' form to pactune is the product of

    passes     authors / padded   copies, passes over memory, autograd of the bound
    padding    padded / tight     the same program on texts padded to 128 and on their tokens
    kernels    tight / pactune    matrix products, attention, and what is fused

Without --authors that form, which needs 23 GB and minutes, is left out, and so is the
ratio to it. --dtype bf16 is of pactune and tight; passes and padding are of float32 then
as well, so that kernels is what is left of the ratio: precision too.
"""

import argparse
import json
import os
import subprocess
import sys


def ours(a):
    """The line of the update; what bench pac times after it, minutes long, is cut off."""
    command = [a.pactune, "bench", "pac", "--model", a.size, "--train_file", a.data, "--vocab", a.vocab,
               "--steps", str(a.updates), "--threads", str(a.threads), "--precision", a.dtype, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        process.kill()
    if not line:
        sys.exit("pac_compare: no line came from " + " ".join(command))
    return json.loads(line)


def torch(a, form, dtype):
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_pac.py")
    updates = 2 if form == "authors" else a.updates + 1  # the first is not counted
    command = [sys.executable, program, "--form", form, "--dtype", dtype, "--model", a.model, "--data", a.data,
               "--threads", str(a.threads), "--updates", str(updates)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pactune", required=True, help="the program")
    parser.add_argument("--model", required=True, help="folder of the model")
    parser.add_argument("--size", default="base", help="its size, as bench pac knows it")
    parser.add_argument("--data", required=True, help="the 100 phrases: a text, a tab and a label on each line")
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--authors", action="store_true", help="also the authors' form")
    a = parser.parse_args()

    lines = {"pactune": ours(a), "tight": torch(a, "tight", "f32"), "padded": torch(a, "padded", "f32")}
    if a.dtype == "bf16":
        lines["tight bf16"] = torch(a, "tight", "bf16")
    if a.authors:
        lines["authors"] = torch(a, "authors", "f32")
    first = lines["pactune"]
    print(f"{first['cpu']}, {first['kernel']}, {a.threads} threads, PyTorch {lines['tight']['torch']}\n")
    print("| | precision | tokens | s, best | median | peak memory, GB |\n|---|---|---|---|---|---|")
    for name, r in lines.items():
        s = r["seconds"]
        print(f"| {name} | {r['precision']} | {r['tokens']:,} | {s['best']:.2f} | {s['median']:.2f} | {r['peak_rss_bytes'] / 1e9:.2f} |")

    seconds = {name: r["seconds"]["best"] for name, r in lines.items()}
    print("\n| ratio of best times | |\n|---|---|")
    ratio = lambda over, under: f"{seconds[over] / seconds[under]:.2f}"
    if a.authors:
        print(f"| passes: authors / padded | {ratio('authors', 'padded')} |")
    print(f"| padding: padded / tight | {ratio('padded', 'tight')} |")
    print(f"| kernels{' and precision' * (a.dtype == 'bf16')}: tight / pactune | {ratio('tight', 'pactune')} |")
    if a.dtype == "bf16":
        print(f"| honest peer in bf16: tight bf16 / pactune | {ratio('tight bf16', 'pactune')} |")
    if a.authors:
        print(f"| product: authors / pactune | {ratio('authors', 'pactune')} |")


if __name__ == "__main__":
    main()
