"""Peak memory and rate of ``darkclr convert`` against the number of jets.

    python benchmarks/convert_memory.py [--jets 1000000] [--batch_size 10000]

Writes toy jets of 35 constituents on average as Parquet, batch by batch, then converts them to
top-tagging HDF5 and back, each in a process of its own, whose peak resident memory the operating
system reports. A tenth of the jets is converted too: if memory is bounded by the batch, both
peaks are the same. The memory of a process that has only imported everything is subtracted in
the last column.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from darkclr.io.writers import jets_table
from darkclr.jets import Jets

MEAN_CONSTITUENTS = 35


def toy_jets(n: int, first_event: int, rng: np.random.Generator) -> Jets:
    lengths = np.clip(rng.poisson(MEAN_CONSTITUENTS, n), 1, 200)
    total = int(lengths.sum())
    axis = np.repeat(rng.uniform(-2, 2, n), lengths)
    return Jets.from_constituents(
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.exponential(6, total) + 0.3,
        axis + rng.normal(0, 0.3, total),
        rng.uniform(-0.5, 0.5, total),
        label=0,
        event=first_event + np.arange(n),
    )


def write_toy_jets(n: int, path: Path) -> None:
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(0), None
    for start in range(0, n, 10_000):
        table = jets_table(toy_jets(min(10_000, n - start), start, rng))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def in_a_process(source: str, output: str, batch_size: int) -> dict[str, float]:
    """Jets, seconds and peak memory [MB] of one conversion; of the imports alone if no source."""
    command = [sys.executable, __file__, "--one", source, output, str(batch_size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def one(source: str, output: str, batch_size: int) -> dict[str, float]:
    import h5py  # noqa: F401  (what a conversion imports belongs to the base line)

    from darkclr.io.convert import convert

    start, jets = time.perf_counter(), 0
    if source:
        jets = convert(source, output, batch_size=batch_size).jets
    return {
        "jets": jets,
        "seconds": time.perf_counter() - start,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=1_000_000)
    parser.add_argument("--batch_size", type=int, default=10_000)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        source, output, batch_size = arguments.one
        print(json.dumps(one(source, output, int(batch_size))))
        return
    base = in_a_process("", "", 1)["peak"]
    print(f"{'conversion':<24}{'jets':>10}{'jets/s':>10}{'peak [MB]':>12}{'- imports':>12}")
    for n in (arguments.jets // 10, arguments.jets):
        with tempfile.TemporaryDirectory(prefix="darkclr-") as folder:
            first, hdf5, second = (Path(folder) / x for x in ("a.parquet", "b.h5", "c.parquet"))
            write_toy_jets(n, first)
            for source, output in ((first, hdf5), (hdf5, second)):
                row = in_a_process(str(source), str(output), arguments.batch_size)
                print(
                    f"{source.suffix + ' -> ' + output.suffix:<24}{row['jets']:>10}"
                    f"{row['jets'] / row['seconds']:>10.0f}{row['peak']:>12.0f}"
                    f"{row['peak'] - base:>12.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
