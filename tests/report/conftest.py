"""A run directory as the other commands leave it, with invented but plausible content."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from models import TINY

from darkclr.augmentations import ConstituentDrop
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.model_directory import Fingerprint, begin_model, save_model
from darkclr.evaluation import EvaluationConfig, evaluate, write_metrics
from darkclr.io import write_jets
from darkclr.io.parquet import write_table
from darkclr.jets import Jets

# Mean number of constituents and separation of each score; QCD is at 0.
MULTIPLICITY = {"qcd": 33.0, "aachen": 23.0}
TITLES = {"norm": "s_CLR = ‖z‖", "nae": "s_NAE", "jet_pt": "jet pT"}
SEPARATION = {"norm": 1.0, "discriminant": 1.2, "autoencoder": 0.9, "nae": 1.1}


def make_run(run: Path, n: int = 450, seed: int = 0) -> Path:
    """Write a run directory with ``n`` jets a sample."""
    rng = np.random.default_rng(seed)
    counts = {}
    for label, (name, mean) in enumerate(MULTIPLICITY.items()):
        jets = _jets(rng, n, mean, label)
        counts[name] = jets.n_constituents
        write_jets(jets, run / "samples" / f"{name}.parquet")
        parts = [(jets, False)]
        if name == "qcd":
            parts.append((_dropped(jets, rng), True))
        _representations(run / "representations" / f"{name}.parquet", parts)
    _scores(run, counts, rng)
    metrics = evaluate(run / "scores.parquet", EvaluationConfig(n_bootstrap=50))
    write_metrics(metrics, run / "metrics.json")
    begin_model(run / "encoder", {"encoder": asdict(TINY)}, Fingerprint())
    save_model(run / "encoder", Encoder(TINY).eval(), {})
    _encoder(run / "encoder", rng)
    for name, normalised in (("autoencoder", False), ("nae", True)):
        _energies(run / "scores" / name / "history.csv", normalised, rng)
    (run / "config.yaml").write_text("simulation:\n  events: 5000  # <b>escaped</b> & kept\n")
    timings = {"generate": 412.3, "train": 371.0, "fit": 95.5, "score": 4.2}
    (run / "timings.json").write_text(json.dumps(timings))
    return run


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "demo")


def _jets(rng: np.random.Generator, n: int, mean: float, label: int) -> Jets:
    lengths = np.maximum(rng.negative_binomial(9, 9 / (9 + mean), n), 2)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    axis = rng.uniform(-1.5, 1.5, n), rng.uniform(-np.pi, np.pi, n)
    radius, angle = rng.exponential(0.18, total).clip(0, 0.8), rng.uniform(0, 2 * np.pi, total)
    pt = rng.exponential(1, total) ** 1.8 + 0.05
    scale = rng.uniform(150, 300, n) / np.add.reduceat(pt, offsets[:-1])
    eta = np.repeat(axis[0], lengths) + radius * np.cos(angle)
    phi = np.repeat(axis[1], lengths) + radius * np.sin(angle)
    return Jets.from_constituents(
        offsets,
        pt * np.repeat(scale, lengths),
        eta,
        (phi + np.pi) % (2 * np.pi) - np.pi,
        label=label,
        event=np.arange(n) // 2,
        rank=np.arange(n) % 2,
    )


def _dropped(jets: Jets, rng: np.random.Generator) -> Jets:
    hardest = jets.constituents.hardest(50)
    kept = ConstituentDrop()(hardest, hardest, rng)
    return Jets.from_constituents(
        kept.offsets, kept.pt, kept.eta, kept.phi, label=jets.label, event=jets.event
    )


def _representations(path: Path, parts: list[tuple[Jets, bool]]) -> None:
    n = sum(len(jets) for jets, _ in parts)
    columns = {
        "n_constituents": np.concatenate([jets.n_constituents for jets, _ in parts]),
        "label": np.concatenate([jets.label for jets, _ in parts]),
        "weight": np.ones(n, np.float32),
        "dropped": np.concatenate([np.full(len(jets), copy) for jets, copy in parts]),
    }
    write_table(pa.table(columns), path, {})


def _scores(run: Path, counts: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    n = np.concatenate(list(counts.values()))
    sample = np.repeat(list(counts), [len(c) for c in counts.values()])
    label = (sample != "qcd").astype(np.int8)
    columns = {
        "id": [f"{s}:{i}" for i, s in enumerate(sample)],
        "sample": sample,
        "event": np.concatenate([np.arange(len(c)) // 2 for c in counts.values()]),
        "rank": (np.arange(len(n)) % 2).astype(np.int8),
        "label": label,
        "weight": np.ones(len(n), np.float32),
        "pt": rng.uniform(150, 300, len(n)).astype(np.float32),
        "n_constituents": n,
        "few_constituents": -n.astype(float),
    }
    columns["jet_pt"] = columns["pt"].astype(float)
    for name, shift in SEPARATION.items():
        normal = rng.normal(shift * label)
        columns[name] = normal if name == "discriminant" else np.exp(0.9 * normal)
    metadata = {
        "kind": "scores",
        "titles": TITLES,
        "baselines": ["autoencoder", "few_constituents", "jet_pt"],
        "samples": {"qcd": {"title": "QCD"}, "aachen": {"title": "Aachen"}},
    }
    write_table(pa.table(columns), run / "scores.parquet", metadata)


def _encoder(folder: Path, rng: np.random.Generator) -> None:
    rows = []
    for step in range(10, 801, 10):
        t = step / 200
        row = {
            "step": step,
            "epoch": (step - 1) // 100,
            "loss": -1 - 14 * (1 - np.exp(-t)) + 0.6 * rng.normal(),
            "alignment": 0.93 - 0.5 * np.exp(-t) + 0.02 * rng.normal(),
            "anomaly_similarity": -0.6 + 1.3 * np.exp(-t) + 0.03 * rng.normal(),
            "norm": 5 + 3 * np.exp(-t) + 0.2 * rng.normal(),
        }
        if step % 100 == 0:
            row |= {f"validation_{k}": row[k] for k in ("alignment", "anomaly_similarity", "norm")}
            row |= {
                "validation_background_similarity": 0.9 * np.exp(-t) + 0.35,
                "validation_norm_auc": 0.35 + 0.4 * (1 - np.exp(-t)),
            }
        rows.append(row)
    _write_csv(folder / "history.csv", rows)
    pairs = {
        "positive_similarity": np.tanh(rng.normal(1.9, 0.5, 600)),
        "anomalous_similarity": np.tanh(rng.normal(-0.8, 0.9, 600)),
        "background_similarity": np.tanh(rng.normal(0.5, 0.9, 600)),
        "norm": rng.lognormal(1.5, 0.3, 600),
        "anomalous_norm": rng.lognormal(1.8, 0.3, 600),
    }
    write_table(pa.table(pairs), folder / "pairs.parquet", {})


def _energies(path: Path, normalised: bool, rng: np.random.Generator) -> None:
    rows: list[dict] = [
        {
            "epoch": epoch,
            "stage": "autoencoder",
            "train_energy": 0.02 + np.exp(-epoch / 8),
            "validation_energy": 0.025 + 1.05 * np.exp(-epoch / 8),
        }
        for epoch in range(1, 51)
    ]
    for epoch in range(1, 16 if normalised else 1):
        rows.append(
            {
                "epoch": epoch,
                "stage": "normalisation",
                "train_energy": 0.03,
                "validation_energy": 0.03 + 0.001 * rng.normal(),
                "train_negative_energy": 0.03 - 0.02 * np.exp(-epoch / 4),
                "validation_negative_energy": 0.03 - 0.02 * np.exp(-epoch / 4),
                "distance": 0.8 + 0.05 * rng.normal(),
                "acceptance": 0.7 + 0.02 * rng.normal(),
            }
        )
    _write_csv(path, rows)


def _write_csv(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
        writer.writeheader()
        writer.writerows(rows)
