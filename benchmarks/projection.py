"""What a billion jets cost: operations a jet from the architecture, times from measured rates.

    python benchmarks/projection.py [--jets 1e9] [--encode 1050] [--train 176] ...

Arithmetic only, nothing is measured here: the rates of a CPU core are arguments, and are those of
`benchmarks/scale.py` (score, views) and of the training. For a GPU, which no rate was measured on,
the arguments are its peak and the share of it that is assumed to be reached. Prints the operations
of a jet and a table for one GPU, eight, and a thousand cores.
"""

from __future__ import annotations

import argparse

from darkclr.contrastive.config import EncoderConfig
from darkclr.simulation.processes import PROCESSES
from darkclr.studies.duration import ENCODED, TRAINED, operations

HOUR = 3600.0
SIMULATED = PROCESSES["qcd"].jets_per_second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=float, default=1e9)
    parser.add_argument(
        "--length", type=float, default=35, help="constituents of a jet, at most N_c"
    )
    parser.add_argument("--views", type=float, default=87.5, help="constituents of its three views")
    parser.add_argument("--encode", type=float, default=ENCODED, help="jets/s of a core: score")
    parser.add_argument("--train", type=float, default=TRAINED, help="jets/s of a core: training")
    parser.add_argument(
        "--generate", type=float, default=SIMULATED, help="jets/s of a core: simulate"
    )
    parser.add_argument(
        "--make_views", type=float, default=0, help="jets/s of all workers; 0: no limit"
    )
    parser.add_argument("--peak", type=float, default=312, help="TFLOP/s of a GPU in bfloat16")
    parser.add_argument("--share", type=float, default=0.1, help="of the peak that is reached")
    parser.add_argument("--efficiency", type=float, default=0.9, help="of 8 GPUs or 1000 cores")
    a = parser.parse_args()
    config = EncoderConfig()
    encoding = operations(config, a.length)
    # Backward is twice forward; attention of the three views is taken at their mean length.
    training = 3 * 3 * operations(config, a.views / 3)
    print(f"encoding: {encoding / 1e6:.0f} MFLOP a jet; training: {training / 1e6:.0f} MFLOP a jet")
    gpu_encode = a.peak * 1e12 * a.share / encoding
    gpu_train = a.peak * 1e12 * a.share / training
    if a.make_views:
        gpu_train = min(gpu_train, a.make_views)
    rates = {
        "simulate": (0.0, a.generate),
        "encode or score": (gpu_encode, a.encode),
        "one epoch of training": (gpu_train, a.train),
    }
    print(f"\nhours for {a.jets:.3g} jets\n")
    print("| | 1 GPU | 8 GPUs | 1000 cores |\n|---|---|---|---|")
    for name, (gpu, core) in rates.items():
        machines = (gpu, 8 * gpu * a.efficiency, 1000 * core * a.efficiency)
        cells = (f"{a.jets / rate / HOUR:.3g}" if rate else "-" for rate in machines)
        print(f"| {name} | {' | '.join(cells)} |")
    numbers = config.embedding_dim + config.output_dim
    print(f"\nrepresentations: {4 * numbers * a.jets / 1e12:.3g} TB; ", end="")
    print(f"prepared training jets: {(12 * a.length + 8) * a.jets / 1e12:.3g} TB on disk, ", end="")
    print(f"{8 * a.jets / 1e9:.3g} GB of memory for their order")


if __name__ == "__main__":
    main()
