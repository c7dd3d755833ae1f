"""What a simulated jet costs: CPU seconds of one core, so that other programs do not count.

    python benchmarks/simulation.py share       detector, clustering and glue against Pythia alone
    python benchmarks/simulation.py gain        the early veto against the plain chain
    python benchmarks/simulation.py rates       every sample, and how long all of them take
    python benchmarks/simulation.py memory      peak memory for n and for 4n jets

Each measurement checks first that both sides do the same: `share` compares the events and takes
medians over turns, `gain` compares the distributions of the jets it made
(``benchmarks/equal_samples.py`` does so with 50,000 a side). Sides take turns, so that both see
the same load.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from equal_samples import compare

from darkclr.io import read_jets, write_jets
from darkclr.jets import Jets
from darkclr.simulation.detector import EnergyFlowDetector
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.processes import PROCESSES, get_process
from darkclr.simulation.sample import SampleConfig, generate, plan
from darkclr.simulation.sample import shard as chain

BATCH = 100
TURN = 500  # jets: many enough for the start of Pythia and the surplus of the last batch
REPEATS = 7
SIGNALS = ("aachen", "rinv05", "rinv02", "m10", "m20")


def cpu(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What the work returns, and the CPU seconds it took."""
    start = time.process_time()
    result = work(*arguments)
    return result, time.process_time() - start


def next_events(generator: Generator, n: int) -> float:
    """Events by Pythia alone; pTHat [GeV] of the last."""
    for _ in range(n):
        assert generator._pythia.next()
    return generator._pythia.infoPython().pTHat()


def share(names: list[str], n_events: int) -> None:
    """The chain against ``pythia.next()`` for the same events."""
    print(
        f"{'sample':<10}{'events':>8}{'Pythia':>10}{'+ glue':>10}"
        f"{'+ detector, jets':>18}{'share':>8}"
    )
    for name in names:
        process, seed = get_process(name), 1
        # Generators of one seed: bare ones, and others whose events become arrays.
        bare, ours = (
            [Generator(process.all_settings, seed) for _ in range(REPEATS)] for _ in range(2)
        )
        detector, rng = EnergyFlowDetector(process.card), np.random.default_rng(seed)
        turns = []
        for _ in range(n_events // BATCH + 1):
            for turn, (one_bare, one_ours) in enumerate(zip(bare, ours, strict=True)):
                works: list[Callable[[], Any]] = [
                    partial(next_events, one_bare, BATCH),
                    partial(one_ours.generate, BATCH),
                ]
                order = (0, 1) if turn % 2 else (1, 0)  # who comes second finds a warm cache
                done = {i: cpu(works[i]) for i in order}
                (pthat, pythia), (batch, arrays) = done[0], done[1]
                _, rest = cpu(chain._select, batch, detector, process, rng)
                turns.append((pythia, arrays - pythia, rest))
                np.testing.assert_allclose(batch.pthat[-1], pthat)  # the events are the same
        # The first turns pay for imports. The glue is a small difference of large numbers: its
        # median over all turns is far better known than any one.
        pythia, glue, rest = 1e3 * np.median(turns[REPEATS:], axis=0) / BATCH
        print(
            f"{name:<10}{n_events:>8}{pythia:>7.2f} ms{glue:>7.2f} ms{rest:>15.2f} ms"
            f"{(glue + rest) / pythia:>8.1%}",
            flush=True,
        )


def gain(n_jets: int, biases: list[float]) -> None:
    """Effective jets per core-second, (sum w)^2 / sum w^2, of plain and product chain."""
    base = SampleConfig(process="qcd", n_jets=n_jets, shard_jets=min(n_jets, TURN))
    configs = {"plain": replace(base, early_veto=False), "early veto": base}
    configs["early veto, prescaled"] = replace(base, early_veto="prescaled")
    configs |= {f"early veto, bias {b:g}": replace(base, bias=b) for b in biases}
    shards = {name: plan(config).shards for name, config in configs.items()}
    jets: dict[str, list[Jets]] = {name: [] for name in configs}
    seconds = dict.fromkeys(configs, 0.0)
    totals = {name: chain.Counts() for name in configs}
    for turn in range(len(shards["plain"])):
        for name, todo in shards.items():
            (made, counts), spent = cpu(chain.simulate_shard, todo[turn])
            jets[name].append(made)
            seconds[name] += spent
            totals[name] += counts
    made = {name: Jets.concatenate(parts) for name, parts in jets.items()}
    for name in list(configs)[1:]:
        p = {row[0]: round(row[2], 3) for row in compare(made["plain"], made[name])}
        print(f"plain = {name}: p = {p}")
    print(
        f"{'chain':<24}{'jets':>8}{'effective':>11}{'jets/event':>12}{'eff. jets/s':>13}{'gain':>7}"
    )
    reference = 0.0
    for name, sample in made.items():
        w = sample.weight.astype(float)
        effective = w.sum() ** 2 / (w**2).sum()
        rate = effective / seconds[name]
        reference = reference or rate
        print(
            f"{name:<24}{len(sample):>8}{effective:>11.0f}{totals[name].summary()['jets_per_event']:>12.3f}"
            f"{rate:>13.1f}{rate / reference:>7.2f}",
            flush=True,
        )


def rates(n_jets: int) -> None:
    """Accepted jets per core-second of all samples, and the hours of a whole study."""
    print(f"{'sample':<14}{'jets/event':>11}{'jets/s/core':>13}")
    per_second = {}
    for name in (n for n in PROCESSES if n != "events"):  # those are made elsewhere
        shard = plan(SampleConfig(process=name, n_jets=n_jets, shard_jets=n_jets)).shards[0]
        (jets, counts), seconds = cpu(chain.simulate_shard, shard)
        per_second[name] = len(jets) / seconds
        print(
            f"{name:<14}{counts.jets / counts.events:>11.3f}{per_second[name]:>13.1f}", flush=True
        )
    core_seconds = 100_000 / per_second["qcd"] + sum(20_000 / per_second[s] for s in SIGNALS)
    print(
        f"100,000 QCD jets and 20,000 of each of {', '.join(SIGNALS)}: "
        f"{core_seconds:.0f} core-seconds, {core_seconds / 120:.0f} minutes on two cores"
    )


def memory(n_jets: int) -> None:
    """Peak resident memory of a simulation and of a merge alone, for n and 4n jets."""
    print(f"{'work':<14}{'jets':>10}{'peak [MB]':>12}")
    for work in ("simulation", "merge"):
        # The merge is fed copies of one shard, so that it can be tried with many jets.
        for n in (n_jets, 4 * n_jets) if work == "simulation" else (50_000, 200_000):
            command = [sys.executable, __file__, "--one", work, str(n)]
            done = subprocess.run(command, check=True, capture_output=True)
            print(f"{work:<14}{n:>10}{json.loads(done.stdout):>12.0f}", flush=True)


def one(work: str, n_jets: int) -> float:
    """Peak memory [MB] of this process after one piece of work."""
    with tempfile.TemporaryDirectory(prefix="darkclr-") as folder:
        output = Path(folder) / "qcd.parquet"
        config = SampleConfig(n_jets=n_jets, mpi=False)
        if work == "merge":
            copy_shards(config, Path(f"{output}.shards"))
        generate(config, output, workers=1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def copy_shards(config: SampleConfig, folder: Path) -> None:
    planned = plan(config)
    jets, counts = chain.simulate_shard(replace(planned.shards[0], n_jets=100))
    jets = jets[np.arange(config.shard_jets) % len(jets)]
    provenance = {"fingerprint": planned.fingerprint, "counts": asdict(counts)}
    first = folder / "shard-00000.parquet"
    write_jets(replace(jets, provenance=provenance), first)
    assert len(read_jets(first)) == config.shard_jets
    for shard in planned.shards[1:]:
        (folder / f"shard-{shard.index:05d}.parquet").write_bytes(first.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("share", "gain", "rates", "memory"))
    parser.add_argument("--events", type=int, default=1000, help="of share")
    parser.add_argument("--jets", type=int, help="of gain, rates or memory")
    parser.add_argument("--bias", type=float, nargs="*", default=[], help="further rows of gain")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.one:
        print(json.dumps(one(a.one[0], int(a.one[1]))))
    elif a.what == "share":
        share(["qcd", "aachen"], a.events)
    elif a.what == "gain":
        gain(a.jets or 2000, a.bias)
    elif a.what == "rates":
        rates(a.jets or 300)
    elif a.what == "memory":
        memory(a.jets or 1000)
    else:
        parser.error("say what to measure")


if __name__ == "__main__":
    main()
