"""A training step beside a busy process, with threads that wait asleep and threads that spin.

    python benchmarks/busy.py [--threads 2] [--batch 256] [--turns 5]

Threads of OpenMP that have nothing to do spin by default, and where another process wants the core
they spin in vain: the thread that has work does not get it. With `GOMP_SPINCOUNT=2000`, which the
`darkclr` command sets unless one of the two is set, they spin but shortly. Four cases take turns,
each in a process of its own: as it is and so, alone and beside one process that counts. The steps
compute the same loss, which is checked. Printed are medians over the turns, and their ratios.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

STEPS = 3
CASES = [(spins, busy) for busy in (False, True) for spins in ("300000", "2000")]


def measure(threads: int, batch: int) -> None:
    """Print seconds a step and the last loss."""
    import torch
    from training import adam, autocast, make_encoder, packed_views, paired_loss

    torch.set_num_threads(threads)
    encoder = make_encoder(dropout=0.0).train()
    optimiser, views = adam(encoder), packed_views(0, batch)

    def step() -> float:
        with autocast():
            loss = paired_loss(encoder(views)[1].float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss)

    step()
    start = time.perf_counter()
    losses = [step() for _ in range(STEPS)]
    print((time.perf_counter() - start) / STEPS, losses[-1])


def count() -> None:
    """Keep a core busy."""
    while True:
        pass


def run(spins: str, busy: bool, threads: int, batch: int) -> tuple[float, float]:
    """Seconds a step and loss of one case."""
    other = multiprocessing.Process(target=count, daemon=True)
    if busy:
        other.start()
    environment = os.environ | {
        "GOMP_SPINCOUNT": spins,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
    }
    call = [sys.executable, __file__, "--child", "--threads", str(threads), "--batch", str(batch)]
    try:
        out = subprocess.run(call, env=environment, check=True, capture_output=True, text=True)
    finally:
        if busy:
            other.kill()
    seconds, loss = map(float, out.stdout.split()[-2:])
    return seconds, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options.threads, options.batch)
        return
    seconds: dict[tuple[str, bool], list[float]] = {case: [] for case in CASES}
    losses = set()
    for _ in range(options.turns):
        for case in CASES:
            taken, loss = run(*case, options.threads, options.batch)
            seconds[case].append(taken)
            losses.add(loss)
    assert max(losses) - min(losses) <= 1e-3 * abs(max(losses)), losses
    print(
        f"{options.threads} threads, batches of {options.batch}: seconds a step (median of turns)"
    )
    for busy in (False, True):
        spin, sleep = (median(seconds[spins, busy]) for spins in ("300000", "2000"))
        where = "beside a busy process" if busy else "alone"
        print(f"  {where:22} 300000 turns {spin:.3f}  2000 {sleep:.3f}  ratio {spin / sleep:.2f}")


if __name__ == "__main__":
    main()
