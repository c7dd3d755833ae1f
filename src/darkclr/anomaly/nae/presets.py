"""The normalized autoencoders of the literature, as sets of parameters.

What makes an entry what it is, its start of the chains, its loss and its rule, is fixed. Chain
lengths, step sizes and learning rates are published values that one may change: they belong to
features of the size that their authors had, and ``null`` returns to values that follow the size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CMS_AUTOENCODER", "CMS_NORMALIZED_AUTOENCODERS", "NORMALIZED_AUTOENCODERS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """A set of parameters of the normalized autoencoder.

    Args:
        name, title, summary, reference: as in the catalogue.
        fixed: parameters that make it what it is.
        start: parameters that one may change.
    """

    name: str
    title: str
    summary: str
    reference: str
    fixed: Mapping[str, Any]
    start: Mapping[str, Any] = field(default_factory=dict)


# Thesis table 5.3. The widths of its autoencoder are for its 1000 features.
_THESIS: dict[str, Any] = {
    "steps": 30,
    "step_size": 100.0,
    "noise": 1e-4,
    "annealing": True,
    "latent_steps": 30,
    "latent_step_size": 100.0,
    "latent_noise": 1e-2,
    "metropolis": True,
    "normalization_learning_rate": 1e-5,
    "batch_size": 512,
    "widths": (512, 256, 128, 64, 32, 16, 8),
}
# The public configuration of arXiv:2206.14225 (40 x 40 pixels).
_TRIGGER: dict[str, Any] = {
    "steps": 30,
    "step_size": 50.0,
    "noise": 1e-4,
    "annealing": True,
    "latent_steps": 30,
    "latent_step_size": 100.0,
    "latent_noise": 1e-2,
    "clip": 0.01,
    "metropolis": True,
    "replay": 0.95,
    "buffer_size": 10_000,
    "negative_energy_penalty": 1.0,
    "weight_decay": 2e-8,  # 1e-8 of the squared weights in the loss
    "normalization_learning_rate": 1e-5,
    "batch_size": 2048,
}
# CMS has 8 or so features of unit variance: noise 0.05 to 0.2, temperature 0.05, no Metropolis
# step, learning rate 3e-4 to 5e-3. A temperature of 0.05 in 512 dimensions means
# energies of 0.05 * 509 / 2, far above the variance: that diverges, so the chains here follow d.
_CMS: dict[str, Any] = {"steps": 20, "replay": 0.95, "buffer_size": 10_000}

NORMALIZED_AUTOENCODERS: tuple[Preset, ...] = (
    Preset(
        "nae",
        "s_NAE (contrastive divergence)",
        "Energy of a normalized autoencoder, chains started on the data.",
        "arXiv:2312.03067 eqs. 8-12",
        {"initialisation": "data"},
    ),
    Preset(
        "nae_onmanifold",
        "s_NAE (on-manifold)",
        "Energy of a normalized autoencoder, chains started on the decoder's manifold.",
        "DarkCLR thesis eqs. 4.8-4.11; arXiv:2105.05735, on jets arXiv:2206.14225",
        {"initialisation": "on_manifold"},
        # Points of the sphere that no jet is encoded to decode far from all jets, with energies ten
        # times those of jets: at 3e-5 nine steps on them triple the energy of the jets.
        {"normalization_learning_rate": 3e-6},
    ),
    Preset(
        "nae_persistent",
        "s_NAE (persistent)",
        "Energy of a normalized autoencoder, chains that go on where earlier ones ended.",
        "arXiv:2105.05735 section 4",
        {"initialisation": "persistent"},
    ),
    Preset(
        "nae_thesis",
        "s_NAE (thesis)",
        "On-manifold normalized autoencoder with the chains of the thesis, chosen on dropped jets.",
        "DarkCLR thesis table 5.3, section 4.5.1",
        {"initialisation": "on_manifold", "selection": "dropped_auc", "replay": 0.0},
        _THESIS,
    ),
    Preset(
        "nae_trigger",
        "s_NAE (LHC trigger)",
        "On-manifold normalized autoencoder with replay and penalties against divergence.",
        "arXiv:2206.14225 and its public configuration",
        {"initialisation": "on_manifold", "loss": "energy_difference"},
        _TRIGGER,
    ),
    Preset(
        "nae_cms2023",
        "s_NAE (CMS 2023)",
        "Normalized autoencoder with log cosh(E+ - E-) + a E+, kept before the distance rises.",
        "CMS, EPS-HEP 2023, section 4",
        {
            "initialisation": "persistent",
            "loss": "log_cosh",
            "selection": "energy_movers_distance",
        },
        _CMS,
    ),
    Preset(
        "nae_wasserstein",
        "s_NAE (Wasserstein)",
        "Normalized autoencoder that minimises the Wasserstein distance of data and samples.",
        "CMS, arXiv:2510.02168",
        {"initialisation": "persistent", "loss": "wasserstein", "selection": "wasserstein"},
        _CMS,
    ),
)

# CMS-EPS-HEP 2023, section 3.2: 10, 10, 6, 10, 10 neurons, 85 % of the jets to train on.
_CMS_NETWORK: dict[str, Any] = {
    "widths": (10, 10),
    "bottleneck": 6,
    "activation": "relu",
    "batch_size": 256,
    "validation_fraction": 0.15,
}
#: Parameters of the autoencoder of CMS: until 100 epochs bring no gain.
CMS_AUTOENCODER: Mapping[str, Any] = {
    **_CMS_NETWORK,
    "epochs": 2000,
    "early_stopping": True,
    "patience": 100,
}
# Of the public configurations of the author: inputs of unit scale, and no pre-training. λ = σ²/2T.
_CMS_CHAINS: dict[str, Any] = {
    **_CMS_NETWORK,
    "noise": 0.22,
    "temperature": 0.063,
    "bound": 3.0,
    "metropolis": False,
    "replay": 0.95,
    "buffer_size": 10_000,
    "pretraining_epochs": 0,
    "transported": 1000,
}

#: The normalized autoencoders of CMS on eight observables.
CMS_NORMALIZED_AUTOENCODERS: tuple[Preset, ...] = (
    Preset(
        "nae_cms",
        "CMS NAE",
        "Energy of the NAE of CMS on eight observables: log cosh(E+ - E-) + a E+.",
        "CMS, EPS-HEP 2023, sections 3.2 and 4",
        {
            "initialisation": "persistent",
            "new_chains": "normal",
            "loss": "log_cosh",
            "selection": "energy_movers_distance",
        },
        {
            **_CMS_CHAINS,
            "steps": 10,
            "positive_energy_weight": 1e-3,
            "normalization_learning_rate": 1e-3,
            "energy_unit": 1.0,
            "epochs": 300,
        },
    ),
    Preset(
        "wnae_cms",
        "CMS WNAE",
        "Energy of the Wasserstein NAE of CMS on eight observables.",
        "CMS, arXiv:2510.02168 (CMS-MLG-24-002), and its author's public configuration",
        {
            "initialisation": "persistent",
            "new_chains": "normal",
            "loss": "wasserstein",
            "selection": "wasserstein",
        },
        {
            **_CMS_CHAINS,
            "steps": 10,
            "normalization_learning_rate": 5e-3,
            "optimizer": "adamw",
            "weight_decay": 0.01,
            "reduce_on_plateau": True,
            "epochs": 150,
        },
    ),
)
