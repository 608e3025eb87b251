"""Stage 2 of PAC-tuning on the pretrained weights, with the noise that stage 1 has learned.

    python testdata/study/raw.py ./pactune study/out/stages

Figure 2 of the paper, for docs/STUDY.md (c). For the recipes and seeds of stages.yaml:
stage 1, with a checkpoint at the switch, where the run is stopped; in it the weights become
the initial ones again and AdamW's first moments zero (the second ones stay: their bias
correction counts on the updates before); pactune resume makes stage 2. The runs stand in
OUT/RECIPE-raw/seedN.
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from safetensors.numpy import load_file, save_file

PACTUNE, OUT = os.path.abspath(sys.argv[1]), sys.argv[2]
DATA = "../shared/data/fewshot/pac-tuning-sst/"
TRAIN = [PACTUNE, "train", "--train_file", DATA + "train.txt", "--validation_file", DATA + "dev.txt", "--method", "pac", "--quiet"]
RECIPES = {"paper": (["--preset", "paper", "--pac_gamma", "10", "--num_train_epochs", "300", "--pac_stage1_epochs", "250", "--eval_epochs", "10"], 250),
           "embedded": (["--preset", "embedded", "--num_train_epochs", "60", "--pac_stage1_epochs", "40", "--eval_epochs", "5"], 200)}


def train(out, *options):
    subprocess.run([*TRAIN, *options, "--output_dir", out], check=True, stdout=subprocess.DEVNULL)


def train_until(out, step, *options):
    """Stops a run when it has saved a checkpoint, from which resume can go on."""
    run = subprocess.Popen([*TRAIN, *options, "--save_strategy", "steps", "--save_steps", str(step), "--output_dir", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists(f"{out}/checkpoint-{step}/COMPLETE"):
        assert run.poll() is None, "the run ended before its checkpoint"
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    assert run.wait() == 143, "the run was at its end before it was stopped"


def start_anew(checkpoint, initial):
    """The checkpoint with initial weights and no first moments; COMPLETE holds the SHA-256 of every file."""
    shutil.copy(initial + "/model.safetensors", checkpoint)
    state = load_file(checkpoint + "/optimizer.safetensors")
    for name, moment in state.items():
        if re.match(r"m\.(bert|classifier)\.", name):
            moment[:] = 0
    save_file(state, checkpoint + "/optimizer.safetensors", {"format": "pt"})
    with open(checkpoint + "/COMPLETE", encoding="utf-8") as f:
        complete = f.read()
    for name in "model.safetensors", "optimizer.safetensors":
        with open(f"{checkpoint}/{name}", "rb") as f:
            data = f.read()
        complete = re.sub(rf"# \d+ bytes\n\w+  {name}\n", f"# {len(data)} bytes\n{hashlib.sha256(data).hexdigest()}  {name}\n", complete)
    with open(checkpoint + "/COMPLETE", "w", encoding="utf-8") as f:
        f.write(complete)


for recipe, (options, switch) in RECIPES.items():
    for seed in map(str, range(1, 11)):
        run, initial = f"{OUT}/{recipe}-raw/seed{seed}", f"{OUT}/initial-{recipe}-{seed}"
        # Without a rate the weights stay as they are drawn.
        train(initial, *options, "--seed", seed, "--learning_rate", "0", "--head_learning_rate", "0", "--max_steps", "1", "--save_strategy", "no")
        train_until(run, switch, *options, "--seed", seed)
        start_anew(f"{run}/checkpoint-{switch}", initial)
        subprocess.run([PACTUNE, "resume", f"{run}/checkpoint-{switch}", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(initial)
