"""Writes the Parquet files of the tests with pyarrow (tried: 26.0).

    python testdata/generate/parquet.py
"""
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

root = pathlib.Path(__file__).resolve().parents[2]
n = 150  # rows, in groups of 70: more than the reader takes at a time

rows = {
    "text": pa.array([None if i % 50 == 49 else f"text {i} é\n\"quoted\"" for i in range(n)]),
    "required": pa.array([f"r{i}" for i in range(n)]),
    "category": pa.array([["pos", "neg"][i % 2] for i in range(n)]).dictionary_encode(),
    "int": pa.array([i - 5 for i in range(n)], pa.int64()),
    "small": pa.array([i % 100 - 3 for i in range(n)], pa.int8()),
    "unsigned": pa.array([2**64 - 1 - i for i in range(n)], pa.uint64()),
    "double": pa.array([i / 4 for i in range(n)]),
    "float": pa.array([i / 10 for i in range(n)], pa.float32()),
    "bool": pa.array([i % 3 == 0 for i in range(n)]),
    "list": pa.array([None if i % 7 == 6 else [f"l{k}" for k in range(i % 4)] for i in range(n)]),
    "holes": pa.array([[1, None] if i % 2 else [2] for i in range(n)]),
    "group": pa.array([{"a": i, "b": "x"} for i in range(n)]),
    "single": pa.array([{"a": i} for i in range(n)]),
    "nested": pa.array([[[i]] for i in range(n)]),
    "date": pa.array([i for i in range(n)], pa.date32()),
    "bytes": pa.array([bytes([i % 256, 0xff]) for i in range(n)]),
    "null": pa.nulls(n),
}
table = pa.table(rows, schema=pa.schema([pa.field(k, v.type, k != "required") for k, v in rows.items()]))
for name, options in {
    "snappy": {},
    "zstd2": {"compression": "zstd", "data_page_version": "2.0", "data_page_size": 512},
    "gzip": {"compression": "gzip", "use_dictionary": False, "version": "1.0"},
    "plain": {"compression": "none", "column_encoding": {"text": "DELTA_BYTE_ARRAY", "int": "DELTA_BINARY_PACKED"}, "use_dictionary": False},
    "brotli": {"compression": "brotli"},
    "old": {"use_compliant_nested_type": False, "store_schema": False},
    "lz4": {"compression": "lz4", "use_compliant_nested_type": False},
}.items():
    pq.write_table(table, root / f"parquet/testdata/{name}.parquet", row_group_size=70, **options)

# The first tips of the job in the binary.
lines = (root / "embedded/data/train.txt").read_text().splitlines()[:40]
tips = [line.split("\t") for line in lines]
pq.write_table(pa.table({"text": [t for t, _ in tips], "label": [l for _, l in tips]}), root / "cmd/pactune/testdata/tips.parquet", row_group_size=25)
