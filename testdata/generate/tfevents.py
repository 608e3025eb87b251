"""Records an event file by TensorBoard's own writer into internal/tfevents/testdata.

    pip install tensorboard==2.21.0
    python testdata/generate/tfevents.py [FILE]

The events have fixed wall times. With a FILE, TensorBoard's reader prints what that
event file holds instead: its scalars, and its histograms' counts.
"""
import os
import sys

import numpy as np
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.histogram_pb2 import HistogramProto
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "internal", "tfevents", "testdata", "events.out.tfevents.recorded")


def histogram(values):
    low, high, n = values.min(), values.max(), 30
    width = (high - low) / n
    limits = [low + width * (i + 1) for i in range(n - 1)] + [high]
    counts = np.bincount(np.minimum(n - 1, ((values - low) / width).astype(int)), minlength=n)
    total = squares = 0.0
    for v in values:
        total, squares = total + v, squares + v * v
    return HistogramProto(min=low, max=high, num=len(values), sum=total, sum_squares=squares, bucket_limit=limits, bucket=counts.astype(float))


def events():
    yield Event(wall_time=1700000000.5, file_version="brain.Event:2")
    for step in (0, 1, 300, 70000):
        values = [Summary.Value(tag="train/loss", simple_value=0.75 / (1 + step)), Summary.Value(tag="train/learning_rate", simple_value=0.0),
                  Summary.Value(tag="eval/" + "long " * 30, simple_value=-1e-5)]
        yield Event(wall_time=1700000001.25 + step, step=step, summary=Summary(value=values))
    values = np.array([((i * 37) % 101 - 60) / 8 for i in range(101)])
    yield Event(wall_time=1700000002.0, step=7, summary=Summary(value=[Summary.Value(tag="log_std/layer 0", histo=histogram(values))]))
    yield Event(wall_time=1700000003.0, step=8, summary=Summary(value=[Summary.Value(tag="log_std/head", simple_value=float("nan"))]))


def main():
    if len(sys.argv) > 1:
        read = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0}).Reload()
        for tag in read.Tags()["scalars"]:
            print(tag, [(e.step, e.value) for e in read.Scalars(tag)])
        for tag in read.Tags()["histograms"]:
            print(tag, [(e.step, e.histogram_value.min, e.histogram_value.max, sum(e.histogram_value.bucket)) for e in read.Histograms(tag)])
        return
    with open(OUT, "wb") as f:
        writer = RecordWriter(f)
        for e in events():
            writer.write(e.SerializeToString())
        writer.flush()


if __name__ == "__main__":
    main()
