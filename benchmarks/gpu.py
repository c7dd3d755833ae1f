"""Rates of training and encoding on a GPU over batch sizes, share of its peak, and memory.

    python benchmarks/gpu.py [--device gpu] [--run runs/quick] [--seconds 5] [--workers 8]

Toy jets with the multiplicities of QCD jets and the network of Table 1, with dropout, in bfloat16
where the device multiplies in it. For each batch size:

    step      forward, backward and Adam of batches that lie on the device
    training  the same with what comes before: views of shuffled jets made by so many processes as
              a training takes (--workers), packed and copied
    encode    packed, copied, encoded, copied back, as ``darkclr encode`` does

The peak is that of the data sheet for dense bfloat16 (or float32), where the device is known.
``--run`` trains once more what a run directory has trained, from its jets, and says how long.
``--device cpu`` rehearses all that without a GPU.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch
from projection import operations
from training import CONFIG, adam, make_encoder, paired_loss, toy_constituents

from darkclr.augmentations import Augmentations
from darkclr.cli.main import main as command
from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.contrastive.encoder.batches import PackedBatch
from darkclr.contrastive.encoding import encode_constituents
from darkclr.contrastive.model_directory import Fingerprint
from darkclr.contrastive.training.batches import Batches, Shuffled, Views
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.devices import fast_precision, torch_device
from darkclr.jets import Constituents

BATCHES = (256, 1024, 4096, 16384)
EPOCH = 8  # pairs of batches
#: TFLOP/s of dense products in bfloat16, from the data sheets.
PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40": 362.0, "L4": 121.0, "V100": 125.0}


def batches(jets: Constituents, size: int, workers: int) -> Iterator[PackedBatch]:
    """Three views of shuffled jets, epoch after epoch, as a training makes them."""
    n = len(jets)
    ones = np.ones(n, dtype=np.float32)
    prepared = PreparedJets(jets, ones, ones, Fingerprint(), None)
    epoch = [0]
    views = Views(prepared, Augmentations(), CONFIG, LossConfig(), seed=1)
    loader = Batches(views, Shuffled(n, size, 1, lambda: epoch[0])).made_by(workers)
    for epoch[0] in count():
        yield from (batch for batch, _ in loader)


def rate(task: Callable[[], None], jets: int, seconds: float, device: torch.device) -> float:
    """Jets a second of a task, after two turns that warm up."""
    turns, start = -2, 0.0
    while turns < 3 or time.perf_counter() - start < seconds:
        if turns == 0:
            start = _now(device)
        task()
        turns += 1
    return turns * jets / (_now(device) - start)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(
    device: torch.device, size: int, seconds: float, workers: int
) -> Iterator[tuple[str, float, float]]:
    """Name, jets a second and operations a jet of each task."""
    jets = toy_constituents(2 * size)
    made = batches(jets[np.tile(np.arange(2 * size), EPOCH)], size, workers)
    encoder = make_encoder(dropout=CONFIG.dropout).to(device).train()
    optimiser = adam(encoder)
    ready = [next(made).to(device) for _ in range(2)]
    bfloat16 = fast_precision(device.type) == "bfloat16"

    def step(batch: PackedBatch) -> None:
        optimiser.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            _, z = encoder(batch)
        loss = paired_loss(z.float())
        loss.backward()
        optimiser.step()

    def encode() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            encode_constituents(encoder, jets, size, device)

    length = len(ready[0].features) / size
    training = 9 * operations(CONFIG, length / 3)  # three views, backward twice forward
    encoding = operations(CONFIG, float(jets.lengths.mean()))
    turn = iter(range(1 << 30))
    yield "step", rate(lambda: step(ready[next(turn) % 2]), size, seconds, device), training
    yield "training", rate(lambda: step(next(made).to(device)), size, seconds, device), training
    yield "encode", rate(encode, len(jets), seconds, device), encoding


def _as_far_as_memory_reaches(
    rows: Iterator[tuple[str, float, float]], size: int
) -> Iterator[tuple[str, float, float]]:
    try:
        yield from rows
    except torch.OutOfMemoryError:
        print(f"| {size} | out of memory | - | - | - | - |")


def train_again(run: Path, device: str) -> None:
    """The training of a run directory, from its jets, on this device."""
    import yaml

    configuration = yaml.safe_load((run / "config.yaml").read_text())
    background = next(iter(configuration["samples"]))
    with tempfile.TemporaryDirectory() as folder:
        options = Path(folder) / "options.yaml"
        keys = ("encoder", "augmentations", "loss", "training", "split")
        options.write_text(yaml.safe_dump({k: configuration[k] for k in keys}))
        start = time.perf_counter()
        arguments = [str(run / "samples" / f"{background}.parquet"), f"{folder}/encoder"]
        place = [f"--training.device={device}"]
        if command(["train", *arguments, "--config", str(options), *place]):
            raise SystemExit(f"the training of {run} failed")
    print(f"\ntraining of {run}: {time.perf_counter() - start:.0f} s in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="gpu")
    parser.add_argument("--run", type=Path, help="directory of a run")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number")
    parser.add_argument("--workers", type=int, help="that make views; as many as a training takes")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    arguments = parser.parse_args()
    device = torch_device(arguments.device)
    workers = TrainingConfig(device=arguments.device, workers=arguments.workers).view_workers
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    peak = next((value for key, value in PEAKS.items() if key in name), None)
    of = f"{fast_precision(device.type)}, views by {workers} processes"
    print(f"{name}, torch {torch.__version__}, {of}\n")
    print(
        "| batch | task | jets/s | TFLOP/s | of the peak | memory [GB] |\n|---|---|---|---|---|---|"
    )
    for size in arguments.batches:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        for task, jets_per_second, flops in _as_far_as_memory_reaches(
            measure(device, size, arguments.seconds, workers), size
        ):
            tera = jets_per_second * flops / 1e12
            share = f"{tera / peak:.1%}" if peak else "-"
            there = device.type == "cuda"
            memory = f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if there else "-"
            cells = (size, task, f"{jets_per_second:,.0f}", f"{tera:.2f}", share, memory)
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    if arguments.run is not None:
        train_again(arguments.run, arguments.device)


if __name__ == "__main__":
    main()
