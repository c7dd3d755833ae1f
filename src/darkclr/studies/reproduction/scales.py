"""How large a study is: minutes to see that it works, hours, or the sizes of the papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from darkclr.io.documents import read_yaml
from darkclr.studies.config import EnsembleConfig
from darkclr.studies.presets import find_configuration
from darkclr.studies.sample_config import Sample

__all__ = ["SCALES", "SIGNALS", "Scale", "configuration", "robustness", "training_jets"]

#: Signals of Table 3.
SIGNALS = ("aachen", "rinv05", "rinv02", "m10", "m20")


@dataclass(frozen=True)
class Scale:
    """The numbers that a study reads.

    Args:
        name: of the scale.
        preset: configuration that it starts from.
        background, signal: jets of QCD, and of each signal.
        encoders, densities: of the studies of the main results.
        scanned: encoders for each value of a scan.
        classifier_epochs: of classifiers with labels.
        widths: of the head, where that is scanned.
        laid_over: sections of the configuration that are different from those of the preset.
        tests_claims: whether what the papers say can be tested at all.
    """

    name: str
    preset: str
    background: int
    signal: int
    encoders: int
    densities: int
    scanned: int
    classifier_epochs: int
    widths: tuple[int, ...]
    laid_over: Mapping[str, Any]
    tests_claims: bool = True

    @property
    def sizes(self) -> str:
        """The most important numbers, in words."""
        training = configuration(self).training
        return (
            f"{round(self.background * configuration(self).split.train)} jets x {training.epochs} "
            f"epochs"
        )


_TINY_AUTOENCODER = {"widths": [8, 4], "bottleneck": 2, "batch_size": 64}

SCALES: Mapping[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale(
            "smoke",
            "robustness",
            background=900,
            signal=150,
            encoders=2,
            densities=1,
            scanned=1,
            classifier_epochs=2,
            widths=(4, 8),
            laid_over={
                "encoder": {
                    "embedding_dim": 8,
                    "feedforward_dim": 12,
                    "output_dim": 8,
                    "n_heads": 2,
                    "n_layers": 1,
                },
                "training": {"epochs": 2, "batch_size": 64, "device": "cpu"},
                "scores": {
                    "nae": _TINY_AUTOENCODER
                    | {"restarts": 1, "pretraining_epochs": 1, "epochs": 1, "burn_in": 0},
                    "autoencoder": _TINY_AUTOENCODER | {"epochs": 1},
                },
                "evaluation": {"n_bootstrap": 20},
            },
            tests_claims=False,
        ),
        Scale(
            "laptop",
            "robustness",
            background=52000,
            signal=10000,
            encoders=5,
            densities=1,
            scanned=1,
            classifier_epochs=15,
            widths=(128, 256, 512),
            laid_over={},
        ),
        Scale(
            "paper",
            "darkclr",
            background=125000,
            signal=20000,
            encoders=5,
            densities=3,
            scanned=3,
            classifier_epochs=300,
            widths=(128, 256, 512, 1000),
            laid_over={
                "scores": {
                    "discriminant": {"given": "pt"},
                    "discriminant_and_pt": {
                        "score": "combination",
                        "members": ["discriminant", "jet_pt"],
                    },
                    "norm_given_pt": {"score": "norm", "given": "pt"},
                    "knn_given_pt": {"score": "knn", "given": "pt"},
                }
            },
        ),
    )
}

_SEED = 76  # of the background, as in the presets


def configuration(
    scale: Scale, signals: tuple[str, ...] = ("aachen",), **changes: Any
) -> EnsembleConfig:
    """The training of a scale on QCD jets, and signals that it is tested on.

    Args:
        scale: its numbers.
        signals: names of the signal samples.
        changes: fields of the configuration that are different.
    """
    changed = {"samples": training_jets(scale, signals)} | changes
    return replace(_preset(scale.name), **changed)


def robustness(scale: Scale) -> EnsembleConfig:
    """The ensemble of the main results: one training, all signals."""
    return configuration(scale, SIGNALS)


def training_jets(scale: Scale, signals: tuple[str, ...], **options: Any) -> dict[str, Sample]:
    """Samples of QCD jets and of signals.

    Args:
        scale: its numbers.
        signals: names of the signal samples.
        options: of all simulations.
    """
    if not scale.tests_claims:
        options = {"mpi": False, "shard_jets": scale.background} | options
    return {
        "qcd": Sample(process="qcd", n_jets=scale.background, seed=_SEED, **options),
        **{name: Sample(process=name, n_jets=scale.signal, **options) for name in signals},
    }


@cache
def _preset(name: str) -> EnsembleConfig:
    """The preset of a scale with what is laid over it."""
    scale = SCALES[name]
    content = _merged(read_yaml(find_configuration(scale.preset)), scale.laid_over)
    repeated = {"encoders": scale.encoders, "densities": scale.densities, "gluon_share": None}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(EnsembleConfig, "config")
    parsed = parser.parse_object({"config": content | repeated | {"output": Path(name)}})
    return parser.instantiate(parsed).config


def _merged(content: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another one laid over it."""
    merged = dict(content)
    for key, value in over.items():
        own = merged.get(key)
        merged[key] = _merged(own, value) if isinstance(own, dict) else value
    return merged
