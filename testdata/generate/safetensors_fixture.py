"""Records what the Python package writes, into safetensors/testdata.

    pip install safetensors==0.4.5 numpy==1.26.4
    python testdata/generate/safetensors_fixture.py [FILE]

writes reference.safetensors and half.json; with FILE, a file that this project
wrote, it prints the package's reading of it.
"""
import hashlib
import json
import os
import sys

import numpy as np
import safetensors

assert safetensors.__version__ == "0.4.5", safetensors.__version__

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "safetensors", "testdata")


def entry(dtype, shape, array):
    return {"dtype": dtype, "shape": shape, "data": array.tobytes()}


def write():
    values = np.array([0, -0.0, 1, -2.5, 1 / 3, 65504, 6e-8, np.inf])
    bfloat = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    tensors = {
        "double": entry("float64", [2, 4], values),
        "single": entry("float32", [8], values.astype("<f4")),
        "half": entry("float16", [4, 2], values.astype("<f2")),
        "brain": entry("bfloat16", [8], bfloat),
        "scalar": entry("float32", [], np.array(7, "<f4")),
        "empty": entry("float32", [3, 0], np.array([], "<f4")),
        "position_ids": entry("int64", [1, 3], np.arange(3, dtype="<i8")),
        "bytes": entry("uint8", [3], np.array([1, 2, 255], "u1")),
        "flags": entry("bool", [2], np.array([0, 1], "u1")),
        'quote " slash \\ tab \t é 漢': entry("int32", [1], np.array([-5], "<i4")),
    }
    with open(os.path.join(OUT, "reference.safetensors"), "wb") as f:
        f.write(safetensors.serialize(tensors, {"format": "pt"}))
    every = np.arange(65536, dtype="<u2").view("<f2")
    every = every[~np.isnan(every)]
    with open(os.path.join(OUT, "half.json"), "w") as f:
        json.dump({"float32_sha256": hashlib.sha256(every.astype("<f4").tobytes()).hexdigest()}, f)
        f.write("\n")


def read(path):
    from safetensors.numpy import load_file

    with safetensors.safe_open(path, "numpy") as f:
        print(f.metadata())
    for name, array in sorted(load_file(path).items()):
        print(name, array.dtype, array.shape, array.ravel()[:8])


write()
for path in sys.argv[1:]:
    read(path)
