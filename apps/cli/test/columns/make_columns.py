"""Writes the tables beside it: python3 make_columns.py (pyarrow 25). Row i, entry j of `x` is 3 i + j."""
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROWS = [[3 * i + j for j in range(3)] for i in range(10)]


def table(entry, fixed=True, rows=ROWS, more=None):
    kind = pa.list_(entry, 3) if fixed else pa.list_(entry)
    values = [None if row is None else [None if x is None else np.float16(x) if entry == pa.float16() else x for x in row] for row in rows]
    columns = {"id": pa.array(range(len(rows)), pa.int32()), "x": pa.array(values, kind)}
    return pa.table(columns | (more or {}))


def arrow(name, data, stream=False):
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(HERE / name, data.schema) as writer:
        writer.write_table(data, max_chunksize=4)


for name, entry in {"f2": pa.float16(), "f4": pa.float32(), "f8": pa.float64(), "i4": pa.int32(), "u1": pa.uint8()}.items():
    arrow(f"fixed-{name}.arrow", table(entry))
arrow("stream.arrows", table(pa.float32()), stream=True)
arrow("lists.arrow", table(pa.float32(), fixed=False))
arrow("sliced.arrow", table(pa.float32(), fixed=False, rows=[[-1.0], *ROWS])[1:])
arrow("ragged.arrow", table(pa.float32(), fixed=False, rows=[*ROWS, [1, 2]]))
arrow("null.arrow", table(pa.float32(), rows=[*ROWS, None]))
arrow("inner-null.arrow", table(pa.float32(), rows=[*ROWS, [1, None, 2]]))
arrow("nan.arrow", table(pa.float32(), rows=[*ROWS, [1, 2, float("nan")]]))
arrow("two.arrow", table(pa.float32(), more={"y": pa.array([[-i, i] for i in range(10)], pa.list_(pa.float32(), 2))}))
arrow("none.arrow", pa.table({"id": pa.array([1])}))
feather.write_feather(table(pa.float32()), HERE / "plain.feather", compression="uncompressed")

for name, packing in {"plain": "none", "snappy": "snappy", "gzip": "gzip", "brotli": "brotli", "zstd": "zstd"}.items():
    pq.write_table(table(pa.float32(), fixed=name == "plain"), HERE / f"{name}.parquet", row_group_size=4, compression=packing)
for name, entry in {"f2": pa.float16(), "f8": pa.float64(), "i4": pa.int32()}.items():
    pq.write_table(table(entry), HERE / f"fixed-{name}.parquet", use_dictionary=False)
pq.write_table(table(pa.float32(), fixed=False, rows=[*ROWS, [1, 2]]), HERE / "ragged.parquet")
pq.write_table(table(pa.float32(), fixed=False, rows=[*ROWS, None]), HERE / "null.parquet")
pq.write_table(table(pa.float32(), fixed=False, rows=[*ROWS, [1, None, 2]]), HERE / "inner-null.parquet")
pq.write_table(table(pa.float32(), more={"y": pa.array([[-i, i] for i in range(10)], pa.list_(pa.float32(), 2))}), HERE / "two.parquet")
pq.write_table(pa.table({"id": pa.array([1])}), HERE / "none.parquet")
