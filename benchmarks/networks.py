"""What smaller networks cost: a training step and encoding, beside those of the configurations.

    python benchmarks/networks.py [--turns 7] [--clock cpu] [--n 256]

The networks of the paper (`configs/darkclr.yaml`), of `configs/robustness.yaml` and of
`configs/quick.yaml`, and smaller ones, on the same toy jets; turns are taken, medians are compared.
Whether a smaller one is as good tells `blocks.py`, on ensembles of both.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from training import CONFIG, toy_constituents
from training_cost import encoding, step

from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoder.batches import pack
from darkclr.contrastive.encoding import prepare
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.jets import Constituents

ROBUSTNESS = {"n_layers": 3, "embedding_dim": 64, "feedforward_dim": 256, "output_dim": 256}
NETWORKS: dict[str, dict[str, int]] = {
    "robustness": ROBUSTNESS,
    "paper": {},
    "paper, two layers": {"n_layers": 2},
    "robustness, two layers": ROBUSTNESS | {"n_layers": 2},
    "robustness, one layer": ROBUSTNESS | {"n_layers": 1},
    "robustness, 30 constituents": ROBUSTNESS | {"n_constituents": 30},
    "robustness, two layers, 30 constituents": ROBUSTNESS | {"n_layers": 2, "n_constituents": 30},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--n", type=int, default=256, help="jets a batch")
    a = parser.parse_args()
    clock = time.perf_counter if a.clock == "wall" else time.process_time
    keep_freed_memory()
    tasks = {}
    for name, network in NETWORKS.items():
        config = replace(CONFIG, **network)  # type: ignore[arg-type]
        jets = prepare(toy_constituents(a.n), config)
        views = Augmentations().views(jets, np.random.default_rng(0))
        batch = pack(Constituents.concatenate(views), config)
        tasks[name, "step"] = step(batch, **network)
        tasks[name, "encode"] = encoding(4 * a.n, **network)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    for turn in range(a.turns + 1):
        for key, task in tasks.items():
            start = clock()
            task()
            if turn:  # the first one warms up
                seconds[key].append(clock() - start)
    found = {key: median(times) for key, times in seconds.items()}
    print(f"{a.n} jets, {torch.get_num_threads()} threads, {a.clock}")
    print("| network | step [s] | ratio | encode [jets/s] | ratio |\n|---|---|---|---|---|")
    for name in NETWORKS:
        own, encode = found[name, "step"], found[name, "encode"]
        print(
            f"| {name} | {own:.3f} | {found['robustness', 'step'] / own:.2f} "
            f"| {4 * a.n / encode:.0f} | {found['robustness', 'encode'] / encode:.2f} |"
        )


if __name__ == "__main__":
    main()
