"""How large a study is: minutes to see that it works, hours, or the sizes of the papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from darkclr.augmentations import ConstituentDrop
from darkclr.io.documents import read_yaml
from darkclr.studies.config import EnsembleConfig
from darkclr.studies.presets import find_configuration
from darkclr.studies.sample_config import Sample
from darkclr.studies.variants import variant

__all__ = [
    "SCALES",
    "SIGNALS",
    "USUAL",
    "Scale",
    "both_setups",
    "configuration",
    "preset",
    "robustness",
    "scanned",
    "setup_title",
    "thesis",
    "thesis_setups",
    "training_jets",
    "usual",
]

#: Signals of Table 3.
SIGNALS = ("aachen", "rinv05", "rinv02", "m10", "m20")
#: Name of the training that several studies compare others with.
USUAL = "usual"


@dataclass(frozen=True)
class Scale:
    """The numbers that a study reads.

    Args:
        name: of the scale.
        preset: configuration that it starts from.
        background, signal: jets of QCD, and of each signal.
        encoders, densities: of the studies of the main results.
        scanned: encoders for each value of a scan.
        setups: encoders of each setup of the thesis: its similarities and features have no error
            but their spread.
        classifier_epochs: of classifiers with labels.
        widths: of the head, where that is scanned.
        nae_thesis: parameters of the thesis's autoencoder.
        images: parameters of the scores of Table 2 that read jets.
        thesis: overlay with network and training of the thesis's studies, if there is one.
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
    setups: int
    classifier_epochs: int
    widths: tuple[int, ...]
    nae_thesis: Mapping[str, Any]
    images: Mapping[str, Mapping[str, Any]]
    thesis: str | None
    laid_over: Mapping[str, Any]
    tests_claims: bool = True


_TINY_AUTOENCODER = {"widths": [8, 4], "bottleneck": 2, "batch_size": 64}
_SHORT = {"pretraining_epochs": 1, "epochs": 1, "burn_in": 0}

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
            setups=1,
            classifier_epochs=2,
            widths=(4, 8),
            nae_thesis=_TINY_AUTOENCODER | _SHORT | {"steps": 2, "latent_steps": 2},
            images={
                "dirichlet_vae_images": {"epochs": 1, "hidden": 4},
                "flow_efp": {"epochs": 1},
                "nae_images": _SHORT | {"steps": 2, "latent_steps": 2},
            },
            thesis=None,
            laid_over={
                "encoder": {
                    "embedding_dim": 8,
                    "feedforward_dim": 12,
                    "output_dim": 8,
                    "n_heads": 2,
                    "n_layers": 1,
                },
                "training": {"epochs": 2, "batch_size": 32, "device": "cpu"},
                "scores": {
                    "nae": _TINY_AUTOENCODER | _SHORT | {"restarts": 1, "steps": 2},
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
            setups=3,
            classifier_epochs=15,
            widths=(128, 256, 512),
            # As in table2.yaml: a third of the thesis's chains, so that an epoch takes minutes.
            nae_thesis=_SHORT | {"pretraining_epochs": 5, "steps": 10, "latent_steps": 10},
            images={},
            thesis=None,
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
            setups=3,
            classifier_epochs=300,
            widths=(128, 256, 512, 1000),
            # 15k and 40k iterations (thesis, Table 5.3) of 512 of 90k jets: one batch size serves
            # both stages, where the thesis pre-trains on 2048.
            nae_thesis={"pretraining_epochs": 85, "epochs": 227},
            images={"dirichlet_vae_images": {}, "flow_efp": {}, "nae_images": {}},
            thesis="thesis",
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


def scanned(
    scale: Scale, scores: Sequence[str] | Mapping[str, Any], **changes: Any
) -> EnsembleConfig:
    """The training of a scale for one value of a scan, tested on Aachen.

    Args:
        scale: its numbers.
        scores: names of those of the configuration, or names with parameters.
        changes: fields of the configuration that are different.
    """
    config = configuration(scale, encoders=scale.scanned, **changes)
    if not isinstance(scores, Mapping):
        scores = {name: (config.scores or {}).get(name, {}) for name in scores}
    return replace(config, scores=dict(scores))


def usual(scale: Scale) -> EnsembleConfig:
    """The training of a scale as it is, tested on Aachen: what others are compared with."""
    return scanned(scale, ("discriminant", "norm", "nae", "autoencoder"))


def thesis(scale: Scale, representation: str, p_drop: float) -> EnsembleConfig:
    """A setup of the thesis: its autoencoder on a preset of `representations`.

    Args:
        scale: its numbers.
        representation: multiplicity or minimal.
        p_drop: probability of a constituent to be dropped.
    """
    config = _setup(scale.name, representation)
    views = replace(config.augmentations, anomalous=[ConstituentDrop(p_drop)])
    return replace(config, augmentations=views, copies=None)


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


def both_setups(scale: Scale) -> dict[str, EnsembleConfig]:
    """The two setups of the thesis at the dropping probability of its figures.

    Args:
        scale: its numbers.
    """
    return {f"{setup}-0.5": thesis(scale, setup, 0.5) for setup in ("multiplicity", "minimal")}


def setup_title(name: str) -> str:
    """What a training of the thesis is called in pictures and tables.

    >>> setup_title("minimal-0.5")
    'minimal setup, p_drop = 0.5'
    """
    setup, _, p_drop = name.partition("-")
    return f"{setup} setup, p_drop = {p_drop}"


def thesis_setups(scale: Scale) -> dict[str, EnsembleConfig]:
    """The trainings that the thesis looks into: dropping probabilities of the multiplicity setup,
    and the minimal one.

    Args:
        scale: its numbers.
    """
    drops = {f"multiplicity-{p:g}": thesis(scale, "multiplicity", p) for p in (0.1, 0.3, 0.5, 0.7)}
    return drops | both_setups(scale)


@cache
def _setup(name: str, representation: str) -> EnsembleConfig:
    """A setup of the thesis at the scale of that name, with the usual dropping probability."""
    scale = SCALES[name]
    scores = {"norm": {}, "nae_thesis": dict(scale.nae_thesis)}
    config = replace(scanned(scale, scores), encoders=scale.setups)
    config = variant(config, Path("representations") / representation)
    if scale.thesis is not None:
        config = variant(config, Path("overlays") / scale.thesis)
    return config


def preset(name: str) -> EnsembleConfig:
    """A preset as it stands."""
    return _instance(read_yaml(find_configuration(name)))


@cache
def _preset(name: str) -> EnsembleConfig:
    """The preset of a scale with what is laid over it."""
    scale = SCALES[name]
    content = _merged(read_yaml(find_configuration(scale.preset)), scale.laid_over)
    repeated = {"encoders": scale.encoders, "densities": scale.densities, "gluon_share": None}
    return _instance(content | repeated)


def _instance(content: Mapping[str, Any]) -> EnsembleConfig:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(EnsembleConfig, "config")
    parsed = parser.parse_object({"config": dict(content)})
    return parser.instantiate(parsed).config


def _merged(content: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another one laid over it."""
    merged = dict(content)
    for key, value in over.items():
        own = merged.get(key)
        merged[key] = _merged(own, value) if isinstance(own, dict) else value
    return merged
