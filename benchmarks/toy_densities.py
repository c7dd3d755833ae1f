"""Normalized autoencoders on densities in two dimensions, where everything can be seen.

    python benchmarks/toy_densities.py

Half an hour of one core; as many processes as there are cores.

Each row is a density: its points, then for a plain autoencoder and for each start of the chains
and each loss the learned exp(-E/T), normalised on a grid, with samples of the chains as dots. The
numbers are the Kullback-Leibler divergence KL(data || model) from a kernel estimate of the data,
in nats, and the energy mover's distance between data and samples. T is the one of the chains.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from darkclr.anomaly import NormalizedAutoencoder
from darkclr.errors import TrainingError

matplotlib.use("Agg")
import matplotlib.pyplot as plt

N_POINTS = 1500
EXTENT = 4.0
AXIS = np.linspace(-EXTENT, EXTENT, 121)


def gaussian(rng: np.random.Generator, n: int) -> NDArray:
    return rng.normal(size=(n, 2)) @ np.array([[1.2, 0.5], [0.0, 0.5]])


def ring(rng: np.random.Generator, n: int) -> NDArray:
    angle, radius = rng.uniform(-np.pi, np.pi, n), 2 + 0.25 * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def two_moons(rng: np.random.Generator, n: int) -> NDArray:
    angle, upper = rng.uniform(0, np.pi, n), rng.integers(0, 2, n) == 1
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return 1.8 * np.stack([x, y], axis=1) + 0.15 * rng.normal(size=(n, 2))


def eight_gaussians(rng: np.random.Generator, n: int) -> NDArray:
    angle = 2 * np.pi * rng.integers(0, 8, n) / 8
    return 2.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.25 * rng.normal(size=(n, 2))


DENSITIES: dict[str, Callable[[np.random.Generator, int], NDArray]] = {
    f.__name__: f for f in (gaussian, ring, two_moons, eight_gaussians)
}

COMMON: dict[str, Any] = {
    **{"widths": (64, 64), "bottleneck": 3, "activation": "silu", "batch_size": 250},
    **{"pretraining_epochs": 20, "epochs": 300, "burn_in": 10},
    **{"normalization_learning_rate": 1e-3, "steps": 40, "noise": 0.1, "temperature": 0.1},
    **{"negative_energy_penalty": 0.05, "selection": "last"},
}
# The autoencoder is the same network before the normalisation, at the same temperature.
MODELS: dict[str, dict[str, Any]] = {
    "autoencoder": {"epochs": 1, "burn_in": 0, "normalization_learning_rate": 0.0},
    "chains from data": {"initialisation": "data"},
    "persistent": {"initialisation": "persistent"},
    "on-manifold": {"initialisation": "on_manifold", "latent_noise": 0.1, "latent_step_size": 0.05},
    "persistent, log cosh": {"initialisation": "persistent", "loss": "log_cosh"},
    "log cosh, one latent number": {
        **{"initialisation": "persistent", "loss": "log_cosh", "bottleneck": 1},
    },
    "persistent, Wasserstein": {"initialisation": "persistent", "loss": "wasserstein"},
}


def grid_points() -> NDArray:
    """(n², 2), y slow."""
    x, y = np.meshgrid(AXIS, AXIS)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def model_density(detector: NormalizedAutoencoder) -> NDArray:
    """exp(-E/T) on the grid, normalised to a sum of 1."""
    exponent = -detector.score_samples(grid_points()) / detector.temperature_
    density = np.exp(exponent - exponent.max())
    return (density / density.sum()).reshape(len(AXIS), len(AXIS))


def data_density(draw: Callable[[np.random.Generator, int], NDArray]) -> NDArray:
    """The density of the points on the grid, from a million of them, slightly smoothed."""
    points = draw(np.random.default_rng(99), 1_000_000)
    edges = np.append(AXIS, AXIS[-1] + AXIS[1] - AXIS[0]) - (AXIS[1] - AXIS[0]) / 2
    counts = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))[0]
    return gaussian_filter(counts, 0.5) / counts.sum()


def divergence(data: NDArray, model: NDArray) -> float:
    """KL(data || model) in nats."""
    there = data > 0
    return float((data[there] * np.log(data[there] / np.maximum(model[there], 1e-300))).sum())


def fit(name: str, title: str) -> tuple[NDArray, NDArray, str] | str:
    """Density on the grid, samples, and a line about both; the error if it diverged."""
    detector = NormalizedAutoencoder(**{**COMMON, **MODELS[title]})
    try:
        detector.fit(DENSITIES[name](np.random.default_rng(1), N_POINTS))
    except TrainingError as error:
        return str(error)
    density = model_density(detector)
    kl = divergence(data_density(DENSITIES[name]), density)
    rows = [row for row in detector.history_ if row["stage"] == "normalisation"]
    chosen = rows[detector.selected_epoch_ - 1]
    distance = chosen["energy_movers_distance"]
    print(
        f"{name:16s} {title:24s} KL {kl:6.3f}  distance {distance:.3f}  epoch "
        f"{detector.selected_epoch_:3d}  E+ {chosen['validation_energy']:.4f}  "
        f"E- {chosen['validation_negative_energy']:.4f}  acceptance {chosen['acceptance']:.2f}",
        flush=True,
    )
    return density, detector.samples_["samples"], f"KL {kl:.2f}, distance {distance:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/img/toy_densities.png"))
    parser.add_argument("--processes", type=int, default=-1, help="all cores by default")
    arguments = parser.parse_args()
    target, processes = arguments.output, arguments.processes
    jobs = [(name, title) for title in MODELS for name in DENSITIES]
    fits = Parallel(processes, backend="multiprocessing", batch_size=1)(
        delayed(fit)(*job) for job in jobs
    )
    results = dict(zip(jobs, fits, strict=True))
    columns = ["data", *MODELS]
    picture, grid = plt.subplots(
        len(DENSITIES), len(columns), figsize=(2.1 * len(columns), 2.35 * len(DENSITIES))
    )
    image = {"origin": "lower", "extent": (-EXTENT, EXTENT) * 2, "cmap": "viridis"}
    for line, name in zip(grid, DENSITIES, strict=True):
        truth = data_density(DENSITIES[name])
        line[0].imshow(truth, **image)
        line[0].set_ylabel(name.replace("_", " "))
        for axes, title in zip(line[1:], MODELS, strict=True):
            result = results[name, title]
            if isinstance(result, str):
                axes.set_xlabel("diverged", fontsize=8)
                print(f"{name:16s} {title:24s} {result}")
                continue
            density, samples, text = result
            axes.imshow(density, vmax=1.5 * truth.max(), **image)
            axes.plot(*samples.T, ".", color="white", markersize=1.2, alpha=0.7)
            axes.set_xlabel(text, fontsize=8)
    for axes, title in zip(grid[0], columns, strict=True):
        axes.set_title(title, fontsize=9)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[], xlim=(-EXTENT, EXTENT), ylim=(-EXTENT, EXTENT))
    picture.tight_layout()
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(target, dpi=110)


if __name__ == "__main__":
    main()
