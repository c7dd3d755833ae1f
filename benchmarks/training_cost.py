"""How the cost of training grows with batch, constituents, width and number of jets.

    python benchmarks/training_cost.py [--quick] [--clock cpu] [--output docs/img/training_cost.png]

One quantity is varied, the others stay at Table 1 of the paper; the exponent is the slope of a
straight line through the logarithms of the upper half of the points, where fixed costs no longer
count. All points take turns, and their medians are drawn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from training import CONFIG, adam, autocast, make_encoder, paired_loss, toy_constituents

from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoder.batches import PackedBatch, pack
from darkclr.contrastive.encoding import encode_constituents
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.jets import Constituents

Task = Callable[[], object]


def step(batch: PackedBatch, **changes: int) -> Task:
    """A training step without dropout."""
    encoder = make_encoder(dropout=0.0, **changes).train()
    optimiser = adam(encoder)

    def run() -> None:
        optimiser.zero_grad()
        with autocast():
            _, z = encoder(batch)
        paired_loss(z).backward()
        optimiser.step()

    return run


def batch_of(n: int) -> PackedBatch:
    views = Augmentations().views(toy_constituents(n), np.random.default_rng(0))
    return pack(Constituents.concatenate(views), CONFIG)


def batch_of_length(length: int, n: int) -> PackedBatch:
    """``n`` jets of the same number of constituents, as three views."""
    features = torch.randn(3 * n * length, 3)
    return PackedBatch(features, ((length, 3 * n),), torch.arange(3 * n))


def encoding(n: int, **changes: int) -> Task:
    encoder, jets = make_encoder(**changes), toy_constituents(n)

    def run() -> None:
        with autocast():
            encode_constituents(encoder, jets)

    return run


def cases(quick: bool) -> dict[str, dict[int, Task]]:
    """Task by value, by name of what is varied."""
    n = 32 if quick else 256
    widths = (32, 64, 128) if quick else (32, 64, 128, 256, 512)
    lengths = (5, 10, 20, 40) if quick else (5, 10, 20, 40, 80, 160)
    batches = (8, 16, 32, 64) if quick else (16, 32, 64, 128, 256, 512)
    jets = (64, 128, 256) if quick else (256, 512, 1024, 2048, 4096)
    few = batch_of(n // 4)
    return {
        "jets a batch": {b: step(batch_of(b)) for b in batches},
        "constituents a jet": {m: step(batch_of_length(m, n // 4)) for m in lengths},
        "embedding dimension": {
            d: step(few, embedding_dim=d, feedforward_dim=4 * d, output_dim=4 * d) for d in widths
        },
        "jets to encode": {b: encoding(b) for b in jets},
    }


def exponent(x: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope in the upper half of a double-logarithmic picture."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(seconds[half:]), 1)[0])


def draw(results: dict[str, dict[int, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, grid = plt.subplots(1, len(results), figsize=(3 * len(results), 2.8), sharey=True)
    for axes, (name, seconds) in zip(grid, results.items(), strict=True):
        x, y = list(seconds), list(seconds.values())
        axes.loglog(x, y, "o-", color="#1f5f8b", label=f"exponent {exponent(x, y):.2f}")
        axes.set_xlabel(name)
        axes.set_xticks(x, [str(value) for value in x])
        axes.minorticks_off()
        axes.legend(frameon=False)
    grid[0].set_ylabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main(arguments: argparse.Namespace) -> None:
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    now = time.process_time if arguments.clock == "cpu" else time.perf_counter
    tasks = cases(arguments.quick)
    times: dict[tuple[str, int], list[float]] = {}
    for turn in range(-1, 2 if arguments.quick else 5):
        for name, by_value in tasks.items():
            for value, task in by_value.items():
                start = now()
                task()
                if turn >= 0:  # the first one warms up
                    times.setdefault((name, value), []).append(now() - start)
    results = {
        name: {value: median(times[name, value]) for value in by_value}
        for name, by_value in tasks.items()
    }
    print("| varied | seconds | exponent |\n|---|---|---|")
    for name, seconds in results.items():
        listed = ", ".join(f"{value}: {s:.3f}" for value, s in seconds.items())
        slope = exponent(list(seconds), list(seconds.values()))
        print(f"| {name} | {listed} | {slope:.2f} |")
    draw(results, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few small points")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parents[1] / "docs" / "img" / "training_cost.png",
    )
    main(parser.parse_args())
