"""Rate and peak memory of encoding, scoring and preparing jets, against their number.

    python benchmarks/scale.py runs/quick/samples/qcd.parquet runs/quick [--n N] [--folder FOLDER]

The jets of the given file are repeated, each time turned about their axes by small random angles,
and written batch by batch until there are n. Then n / 4 and n of them go through

- ``darkclr encode`` and ``darkclr score``, the commands themselves;
- ``prepare``: what ``darkclr train`` does before its first step;
- ``batches``: views and packed batches of 256 shuffled jets from the prepared file, and from the
  same arrays in memory, turn by turn, in jets a second;

each in a process of its own, whose peak resident memory the operating system reports. The memory
of a process that has only imported everything is subtracted in a further column. The imports are
not in the times. In the end the time of 10 million jets is extrapolated with the measured exponent.
The folder needs room for 3 kB a jet.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from darkclr.augmentations import Augmentations, Rotation, recentre
from darkclr.cli.main import main as command
from darkclr.contrastive.encoder.batches import pack
from darkclr.contrastive.model_directory import load_encoder
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.io import iterate_jets
from darkclr.io.parquet import TableWriter
from darkclr.io.writers import JetsWriter
from darkclr.jets import Constituents, Jets
from darkclr.kinematics import centroid, wrap_phi

STATIONS = ("encode", "score", "prepare")
GOAL = 10_000_000
BATCH, N_BATCHES = 256, 40


def repeated(source: Path, n: int) -> Iterator[Jets]:
    """``n`` jets: those of the source, again and again, turned by up to 0.1 rad."""
    rng, first_event = np.random.default_rng(0), 0
    while n:
        last_event = 0
        for jets in iterate_jets(source):
            jets = jets[:n]
            last_event = max(last_event, int(jets.event.max()))
            c = jets.constituents
            eta, phi = centroid(c.pt, c.eta, c.phi, c.offsets)
            turned = Rotation(0.1)(recentre(c), c, rng)
            yield Jets.from_constituents(
                c.offsets,
                c.pt,
                turned.eta + eta[c.jet_index],
                wrap_phi(turned.phi + phi[c.jet_index]),
                label=jets.label,
                event=jets.event + first_event,
                rank=jets.rank,
            )
            n -= len(jets)
            if not n:
                return
        first_event += last_event + 1


def write(source: Path, n: int, path: Path) -> None:
    with closing(JetsWriter(TableWriter(path), path)) as writer:
        for jets in repeated(source, n):
            writer.write(jets)
        writer.finish({})


def one(step: str, jets: Path, model: Path, output: Path) -> dict[str, float]:
    """Seconds and peak memory [MB] of a step in this process; of the imports if none."""
    start = time.perf_counter()
    if step == "prepare":
        PreparedJets.of(iterate_jets(jets), load_encoder(model / "encoder").config, output.parent)
    elif step in STATIONS and command([step, str(jets), str(model), str(output)]):
        raise SystemExit(f"darkclr {step} failed")
    result = {"seconds": time.perf_counter() - start}
    if step == "batches":
        result = batches(jets, model, output.parent)
    result["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def batches(jets: Path, model: Path, folder: Path) -> dict[str, float]:
    """Jets a second, from the file and from memory: medians of batches made turn by turn."""
    config = load_encoder(model / "encoder").config
    mapped = PreparedJets.of(iterate_jets(jets), config, folder).constituents
    arrays = (np.array(getattr(mapped, x)) for x in ("offsets", "pt", "eta", "phi"))
    sources = {"file": mapped, "memory": Constituents(*arrays)}
    seconds: dict[str, list[float]] = {name: [] for name in sources}
    for i in range(N_BATCHES):
        rows = np.random.default_rng(i).integers(len(mapped), size=BATCH)
        for name in sorted(sources, reverse=i % 2 == 1):  # who comes second finds warm caches
            constituents = sources[name]
            start = time.perf_counter()
            views = Augmentations().views(constituents[rows], np.random.default_rng(i))
            pack(Constituents.concatenate(views), config)
            seconds[name].append(time.perf_counter() - start)
    return {name: BATCH / statistics.median(values) for name, values in seconds.items()}


def in_a_process(*arguments: object) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, arguments), "--one"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jets", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="for the jets; a temporary one by default")
    parser.add_argument("--step", default="", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(
            json.dumps(one(*(getattr(arguments, x) for x in ("step", "jets", "model", "output"))))
        )
        return
    with tempfile.TemporaryDirectory(prefix="darkclr-", dir=arguments.folder) as folder:
        measure(arguments.jets, arguments.model, arguments.n, Path(folder))


def measure(source: Path, model: Path, n: int, folder: Path) -> None:
    def run(step: str, jets: Path) -> dict[str, float]:
        output = folder / "output.parquet"
        return in_a_process(jets, model, "--step", step, "--output", output)

    base = run("", source)["peak"]
    print(f"{'step':<10}{'jets':>10}{'jets/s':>10}{'peak [MB]':>12}{'- imports':>12}", flush=True)
    seconds: dict[str, list[float]] = {step: [] for step in STATIONS}
    for count in (n // 4, n):
        jets = folder / "jets.parquet"
        write(source, count, jets)
        for step in STATIONS:
            row = run(step, jets)
            seconds[step].append(row["seconds"])
            print(
                f"{step:<10}{count:>10}{count / row['seconds']:>10.0f}{row['peak']:>12.0f}"
                f"{row['peak'] - base:>12.0f}",
                flush=True,
            )
        rates = run("batches", jets)
        print(
            f"{'batches':<10}{count:>10}  {rates['file']:.0f} jets/s from the file, "
            f"{rates['memory']:.0f} from memory",
            flush=True,
        )
    for step, (few, many) in seconds.items():
        exponent = math.log(many / few) / math.log(4)
        hours = many * (GOAL / n) ** exponent / 3600
        print(f"{step}: time ~ jets^{exponent:.2f}; {GOAL} jets in {hours:.2f} h")


if __name__ == "__main__":
    main()
