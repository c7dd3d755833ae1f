"""Speed of training, encoding and NAE chains against plain PyTorch, after proving equality.

    python benchmarks/training.py [--threads 2] [--quick] [--clock cpu]

Toy jets with the multiplicities of QCD jets (some 87 constituents a jet in the three views), the
network of Table 1 with dropout, batches of 256. Every implementation runs in a process of its own,
since the allocator is set per process; the processes take turns, so that whatever else the machine
does hits all of them, and medians are compared. A turn of the plain implementation is one step, of
the others four. Batches are made beforehand for all.

    plain    padded, three passes, matrix of all pairs (``plain_training.py``), float32
    tuned    the same with freed memory kept by the allocator, and the needed pairs only
    darkclr  the product: packed, one pass, bfloat16 where the hardware multiplies in it

``--clock cpu`` counts CPU time, for busy machines.
"""

from __future__ import annotations

import argparse
import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from plain_training import PlainEncoder, all_pairs_loss, name_of, padded
from torch import Tensor

from darkclr.anomaly.detectors.autoencoder import Autoencoder, AutoencoderNetwork
from darkclr.anomaly.nae.energies import reconstruction_energy_and_gradient
from darkclr.anomaly.nae.langevin import differentiate
from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.contrastive.encoder.batches import PackedBatch, pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_constituents, prepare
from darkclr.contrastive.losses import contrastive_loss
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.devices import fast_precision
from darkclr.jets import Constituents, Jets

CONFIG = EncoderConfig()
LOSS = LossConfig()
N_BATCHES = 4  # different ones in turn: shapes change from step to step in a training
CHAIN_STEPS = 30
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}


def toy_constituents(n: int, seed: int = 0) -> Constituents:
    """Prepared jets with numbers of constituents as in QCD jets of 150 to 300 GeV."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.normal(36.5, 12, n).astype(int), 4, 90)
    total = int(lengths.sum())
    jets = Jets.from_constituents(
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.exponential(6, total) + 0.3,
        rng.normal(0, 0.25, total),
        rng.normal(0, 0.25, total),
    )
    return prepare(jets.constituents, CONFIG)


def views(i: int, n: int) -> tuple[Constituents, ...]:
    """Three views of batch ``i`` of ``n`` jets."""
    return Augmentations().views(toy_constituents(n, seed=i), np.random.default_rng(i))


def packed_views(i: int, n: int) -> PackedBatch:
    return pack(Constituents.concatenate(views(i, n)), CONFIG)


def padded_views(i: int, n: int) -> list[tuple[Tensor, Tensor]]:
    return [padded(view, CONFIG.pt_scale, CONFIG.n_constituents) for view in views(i, n)]


def make_encoder(**changes: float) -> Encoder:
    torch.manual_seed(0)
    return Encoder(replace(CONFIG, **changes))  # type: ignore[arg-type]


def autocast(enabled: bool = True):
    bfloat16 = enabled and fast_precision() == "bfloat16"
    return torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext()


def adam(module: torch.nn.Module) -> torch.optim.Optimizer:
    defaults = TrainingConfig()
    return torch.optim.Adam(module.parameters(), lr=defaults.learning_rate, eps=defaults.eps)


def paired_loss(z: Tensor) -> Tensor:
    """Of the representations of all three views, one after the other."""
    original, physical, anomalous = z.chunk(3)
    return contrastive_loss(original, physical, anomalous, LOSS).loss


def plain_tasks(n: int, all_pairs: bool) -> dict[str, Callable[[int], object]]:
    """Training step and encoding of the plain implementation, by name."""
    network = PlainEncoder(make_encoder()).train()
    optimiser = adam(network)
    batches = [padded_views(i, n) for i in range(N_BATCHES)]
    jets = toy_constituents(4 * n)

    def step(i: int) -> None:
        first, second, third = (network(*view)[1] for view in batches[i % N_BATCHES])
        if all_pairs:
            loss = all_pairs_loss(first, second, third, LOSS)
        else:
            loss = contrastive_loss(first, second, third, LOSS).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()

    def encode(i: int) -> None:
        network.eval()
        with torch.no_grad():
            for start in range(0, 4 * n, n):
                part = jets[start : start + n]
                network(*padded(part, CONFIG.pt_scale, CONFIG.n_constituents))
        network.train()

    return {"step": step, "encode": encode}


def darkclr_tasks(n: int) -> dict[str, Callable[[int], object]]:
    """Training step, encoding, and the chain's gradients both ways, by name."""
    keep_freed_memory()
    tasks: dict[str, Callable[[int], object]] = {}
    batches = [packed_views(i, n) for i in range(N_BATCHES)]

    def add_step(name: str, dropout: float, fast: bool) -> None:
        encoder = make_encoder(dropout=dropout).train()
        optimiser = adam(encoder)

        def step(i: int) -> None:
            optimiser.zero_grad()
            with autocast(fast):
                _, z = encoder(batches[i % N_BATCHES])
            loss = paired_loss(z)
            loss.backward()
            optimiser.step()
            loss.item()

        tasks[name] = step

    add_step("step", CONFIG.dropout, True)
    add_step("step without dropout", 0.0, True)
    add_step("step in float32", CONFIG.dropout, False)
    encoder, jets = make_encoder(), toy_constituents(4 * n)

    def encode(fast: bool) -> None:
        with autocast(fast):
            encode_constituents(encoder, jets)

    tasks["encode"] = lambda i: encode(True)
    tasks["encode in float32"] = lambda i: encode(False)

    network, z = autoencoder(), torch.randn(8 * n, CONFIG.output_dim)

    def chain(gradient: Callable[[Tensor], tuple[Tensor, Tensor]]) -> None:
        x = z
        for _ in range(CHAIN_STEPS):
            x = x - gradient(x)[1]

    written_out = lambda x: reconstruction_energy_and_gradient(network, x)  # noqa: E731

    def fast_chain(i: int) -> None:
        with autocast():
            chain(written_out)

    tasks["chain by autograd"] = lambda i: chain(differentiate(network.energy))
    tasks["chain written out"] = lambda i: chain(written_out)
    tasks["chain written out, bfloat16"] = fast_chain
    tasks["matrix products"] = matrix_products(batches[0])
    return tasks


def autoencoder() -> AutoencoderNetwork:
    return AutoencoderNetwork(
        CONFIG.output_dim,
        widths=Autoencoder.widths,
        bottleneck=Autoencoder.bottleneck,
        activation="elu",
        sphere=False,
        generator=torch.Generator().manual_seed(0),
    )


def matrix_products(batch: PackedBatch) -> Callable[[int], None]:
    """The matrix products of all linear layers of a step, forward and backward, no more."""
    dtype = torch.bfloat16 if fast_precision() == "bfloat16" else torch.float32
    encoder = make_encoder()
    tokens, jets = len(batch.features), len(batch.inverse)
    layers = [
        (layer.in_features, layer.out_features, jets if name.startswith("head") else tokens)
        for name, layer in encoder.named_modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    operands = {
        shape: [torch.randn(s).to(dtype) for s in ((shape[2], shape[0]), shape[1::-1])]
        + [torch.randn(shape[2], shape[1]).to(dtype)]
        for shape in set(layers)
    }

    def run(i: int) -> None:
        for shape in layers:
            x, weight, gradient = operands[shape]
            F.linear(x, weight)
            gradient @ weight
            gradient.T @ x

    return run


def worker(which: str, n: int, clock: str) -> None:
    """Do the tasks whose names come in, answer with the seconds."""
    tasks = darkclr_tasks(n) if which == "darkclr" else plain_tasks(n, which == "plain")
    now = time.process_time if clock == "cpu" else time.perf_counter
    print("ready", flush=True)
    repeats = 1 if which == "plain" else 4  # in a training a step follows a step
    for turn, line in enumerate(sys.stdin):
        start = now()
        for i in range(repeats):
            tasks[line.strip()](repeats * turn + i)
        seconds = (now() - start) / repeats
        print(seconds / (torch.get_num_threads() if clock == "cpu" else 1), flush=True)


class Worker:
    """One implementation in a process of its own."""

    def __init__(self, which: str, arguments: argparse.Namespace, n: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ALLOCATOR}
        environment["OMP_NUM_THREADS"] = str(arguments.threads)
        if which == "tuned":
            environment |= ALLOCATOR
        command = [sys.executable, __file__, "--worker", which, "--batch", str(n)]
        self.process = subprocess.Popen(
            [*command, "--clock", arguments.clock],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def seconds(self, task: str) -> float:
        assert self.process.stdin is not None
        print(task, file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def gradients(module: torch.nn.Module, names: Iterable[str]) -> Tensor:
    """Of the parameters of these names, one after the other."""
    return torch.cat([torch.as_tensor(module.get_parameter(n).grad).flatten() for n in names])


def check_equality(n: int) -> list[str]:
    """Largest relative differences to the plain implementation, as lines of the table."""
    lines = []
    for dtype, label, limit in (
        (torch.float64, "float64", 1e-10),
        (torch.float32, "float32", 1e-5),
        (torch.bfloat16, "bfloat16", 0.2),
    ):
        high = torch.float64 if dtype == torch.float64 else torch.float32
        encoder = make_encoder(dropout=0.0).to(high).train()
        plain = PlainEncoder(copy.deepcopy(encoder)).to(high).train()
        batch = packed_views(0, n)
        batch = replace(batch, features=batch.features.to(high))
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            z = encoder(batch)[1].to(high)
        loss = paired_loss(z)
        loss.backward()
        their_z = torch.cat([plain(x.to(high), mask)[1] for x, mask in padded_views(0, n)])
        first, second, third = their_z.chunk(3)
        their_loss = all_pairs_loss(first, second, third, LOSS)
        their_loss.backward()
        names = [name for name, _ in encoder.named_parameters()]
        ours = gradients(encoder, names)
        theirs = gradients(plain, map(name_of, names))
        differences = [
            float((a - b).detach().norm() / b.detach().norm())
            for a, b in ((z, their_z), (loss, their_loss), (ours, theirs))
        ]
        lines.append(f"| {label} | " + " | ".join(f"{x:.1e}" for x in differences) + " |")
        assert max(differences) < limit, lines[-1]
    return lines


def main(arguments: argparse.Namespace) -> None:
    n, rounds = arguments.batch or (32 if arguments.quick else 256), 3 if arguments.quick else 5
    torch.set_num_threads(arguments.threads)
    tokens = np.mean([len(packed_views(i, n).features) / n for i in range(N_BATCHES)])
    print(
        f"{arguments.threads} threads, batches of {n}, {tokens:.1f} constituents a jet, "
        f"{fast_precision()}, {torch.backends.cpu.get_cpu_capability()}, {arguments.clock} time\n"
    )
    print("| relative difference to plain | embedding | loss | gradient |\n|---|---|---|---|")
    print("\n".join(check_equality(min(n, 32))), "\n", flush=True)
    workers = {which: Worker(which, arguments, n) for which in ("plain", "tuned", "darkclr")}
    tasks = {
        "plain": ["step", "encode"],
        "tuned": ["step", "encode"],
        "darkclr": [
            *("step", "step without dropout", "step in float32", "encode", "encode in float32"),
            *("chain by autograd", "chain written out", "chain written out, bfloat16"),
            "matrix products",
        ],
    }
    times: dict[tuple[str, str], list[float]] = {}
    for turn in range(-1, rounds):
        for which, names in tasks.items():
            for name in names:
                seconds = workers[which].seconds(name)
                if turn >= 0:  # the first one warms up
                    times.setdefault((which, name), []).append(seconds)
    took = {key: median(values) for key, values in times.items()}
    report(took, n)
    for each in workers.values():
        each.process.terminate()


def report(took: dict[tuple[str, str], float], n: int) -> None:
    """Tables in Markdown."""
    reference = {
        "step": ("plain", "step"),
        "encode": ("plain", "encode"),
        "chain": ("darkclr", "chain by autograd"),
    }
    jets = {"step": n, "encode": 4 * n, "chain": 8 * n * CHAIN_STEPS}
    print("| | seconds | a second | ratio |\n|---|---|---|---|")
    for kind, key in reference.items():
        for (which, name), seconds in took.items():
            if name.split()[0] == kind:
                print(
                    f"| {which}: {name} | {seconds:.3f} | {jets[kind] / seconds:.0f} | "
                    f"{took[key] / seconds:.1f} |"
                )
    products = took["darkclr", "matrix products"]
    shares = [products / took["darkclr", name] for name in ("step", "step without dropout")]
    print(
        f"\nThe matrix products of the linear layers alone take {products:.3f} s: the step attains "
        f"{shares[0]:.0%} of the peak for its shapes, without dropout {shares[1]:.0%}."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="batches of 32, in a minute or two")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--worker", choices=("plain", "tuned", "darkclr"), help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help="jets a step")
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    if given.worker:
        worker(given.worker, given.batch, given.clock)
    else:
        main(given)
