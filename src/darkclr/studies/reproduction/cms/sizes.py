"""How large the study of CMS is at each scale, and what it simulates and trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkclr.split import Split
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.scales import Scale, configuration
from darkclr.studies.sample_config import Sample

__all__ = ["AUTOENCODERS", "BENCHMARK", "SIZES", "Sizes", "grid", "trainings"]

#: The three autoencoders, with their titles.
AUTOENCODERS = {"ae_cms": "AE", "nae_cms": "NAE", "wnae_cms": "WNAE"}
#: Mediator mass [GeV] and invisible share of the signal that pictures show.
BENCHMARK = "svj_2000_0.3"


@dataclass(frozen=True)
class Sizes:
    """The numbers of a scale.

    Args:
        background: jets of top pairs.
        signal: jets of each signal.
        masses: of the mediator [GeV].
        shares: of invisible dark mesons.
        trainings: of each autoencoder.
        split: of the background: the training part is what CMS parts 85 to 15.
        options: parameters that differ from those of the catalogue, by score.
    """

    background: int
    signal: int
    masses: tuple[int, ...] = (1000, 2000, 3000)
    shares: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7)
    trainings: int = 10
    split: Split = Split(train=0.8, validation=0.04, test=0.16)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_TINY = {"epochs": 4, "burn_in": 0, "steps": 2}
SIZES: Mapping[str, Sizes] = {
    "smoke": Sizes(
        background=400,
        signal=40,
        masses=(2000,),
        shares=(0.3,),
        trainings=2,
        split=Split(train=0.45, validation=0.35, test=0.2),
        options={
            "ae_cms": {"epochs": 6, "patience": 4},
            "nae_cms": _TINY,
            "wnae_cms": _TINY,
        },
    ),
    "laptop": Sizes(
        background=25_000,
        signal=3_000,
        options={"nae_cms": {"epochs": 200}, "wnae_cms": {"epochs": 100}},
    ),
    # The learning rate of the public configuration of 2023, which takes thousands of epochs.
    "paper": Sizes(
        background=25_000,
        signal=10_000,
        options={
            "nae_cms": {"normalization_learning_rate": 1e-5, "epochs": 5000},
            "wnae_cms": {"epochs": 400},
        },
    ),
}

#: What is compared on the same jets.
_BESIDE: Mapping[str, Mapping[str, Any]] = {
    "discriminant": {"given": "pt"},
    "norm": {},
    "knn": {},
    **{name: {} for name in AUTOENCODERS},
}


def grid(sizes: Sizes) -> dict[str, dict[str, float]]:
    """Parameters of the signals, by name."""
    return {
        f"svj_{mass}_{share:g}": {"m_phi": float(mass), "r_inv": share}
        for mass in sizes.masses
        for share in sizes.shares
    }


def trainings(scale: Scale) -> Mapping[str, RunConfig]:
    """DarkCLR and the autoencoders on jets of CMS, and on the QCD jets of DarkCLR."""
    sizes = SIZES[scale.name]
    quick: dict[str, Any] = (
        {} if scale.tests_claims else {"mpi": False, "shard_jets": sizes.background}
    )
    samples = {"top": Sample(process="top", n_jets=sizes.background, **quick)} | {
        name: Sample(process="svj_t", n_jets=sizes.signal, parameters=parameters, **quick)
        for name, parameters in grid(sizes).items()
    }
    common: dict[str, Any] = {"encoders": 1, "densities": 1}
    common["scores"] = {
        name: {**options, **sizes.options.get(name, {})} for name, options in _BESIDE.items()
    }
    on_top = configuration(scale, samples=samples, split=sizes.split, **common)
    return {"cms-top": on_top, "cms-qcd": configuration(scale, ("aachen",), **common)}
