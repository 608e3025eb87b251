"""Writes files of torch.save, and what PyTorch reads in them as safetensors.

Run at the root of the repository with torch 2.4.1, transformers 4.46.3 and
safetensors 0.4.5:

    python3 testdata/generate/torch_fixture.py

torchfile/testdata: zip.bin and legacy.bin hold the same tensors, in the layouts
since and before torch 1.6; values.safetensors holds them in row-major order.
bert/testdata/torch: a BERT of one layer, as one pytorch_model.bin with the gamma
and beta of old checkpoints, in parts, and as model.safetensors.
"""

import collections
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM

torch.manual_seed(1)


def tensors():
    w = torch.randn(3, 4)
    cube = torch.randn(2, 3, 4)
    words = torch.randn(5, 2)
    d = collections.OrderedDict()
    d["float"] = w
    d["transposed"] = w.t()
    d["column"] = w[:, 1]
    d["rows"] = w[1:]
    d["every second"] = torch.arange(10.0)[1::2]
    d["permuted"] = cube.permute(2, 0, 1)
    d["parameter"] = torch.nn.Parameter(torch.randn(3))
    d["words"] = words
    d["tied"] = words
    d["half"] = torch.randn(5).half()
    d["bfloat16"] = torch.randn(2, 2).bfloat16()
    d["double"] = torch.randn(3).double()
    d["position_ids"] = torch.arange(6).expand((1, -1))
    d["bool"] = torch.tensor([True, False, True])
    d["byte"] = torch.tensor([0, 255], dtype=torch.uint8)
    d["scalar"] = torch.tensor(2.5)
    d["empty"] = torch.empty(0, 3)
    d["Gruß"] = torch.tensor([float("inf"), float("nan"), -0.0])
    d._metadata = torch.nn.Linear(2, 2).state_dict()._metadata
    return d


def files(folder):
    os.makedirs(folder, exist_ok=True)
    d = tensors()
    torch.save(d, f"{folder}/zip.bin")
    torch.save(d, f"{folder}/legacy.bin", _use_new_zipfile_serialization=False)
    save_file({k: v.detach().clone().contiguous() for k, v in d.items()}, f"{folder}/values.safetensors")


def berts(folder):
    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=12, max_position_embeddings=10)
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    for kind, arguments in {"safe": {}, "sharded": {"safe_serialization": False, "max_shard_size": "3KB"}}.items():
        shutil.rmtree(f"{folder}/{kind}", ignore_errors=True)
        model.save_pretrained(f"{folder}/{kind}", **arguments)
        os.remove(f"{folder}/{kind}/generation_config.json")
    os.makedirs(f"{folder}/old", exist_ok=True)
    shutil.copy(f"{folder}/safe/config.json", f"{folder}/old/config.json")
    old = collections.OrderedDict(
        (k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"), v)
        for k, v in model.state_dict().items())
    torch.save(old, f"{folder}/old/pytorch_model.bin", _use_new_zipfile_serialization=False)


files("torchfile/testdata")
berts("bert/testdata/torch")
print(json.dumps({"torch": torch.__version__}))
