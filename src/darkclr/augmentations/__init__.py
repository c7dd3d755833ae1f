"""Jets -> altered jets: physical augmentations (positive) and anomalous ones (negative).

An augmentation is a small object that is called with packed constituents::

    altered = augmentation(constituents, original, rng)

``constituents`` are relative to the jet axis (see :func:`recentre`), ``original`` are those of
the jet before any alteration, and ``rng`` is the only source of randomness. To add one of your
own, derive from :class:`Augmentation` and name it in the configuration by its import path.

Sources: DarkCLR, arXiv:2312.03067, section 3.2; JetCLR, arXiv:2108.04253.
"""

from darkclr.augmentations.anomalous import (
    BranchDrop,
    ConstituentDrop,
    DetectorSmearing,
    NonUniformDecay,
    PtReweighting,
)
from darkclr.augmentations.base import Augmentation, recentre
from darkclr.augmentations.one_of import OneOf
from darkclr.augmentations.physical import (
    CollinearSplitting,
    PtScaling,
    Rotation,
    SoftSmearing,
    Translation,
)
from darkclr.augmentations.views import Augmentations

__all__ = [
    "Augmentation",
    "Augmentations",
    "BranchDrop",
    "CollinearSplitting",
    "ConstituentDrop",
    "DetectorSmearing",
    "NonUniformDecay",
    "OneOf",
    "PtReweighting",
    "PtScaling",
    "Rotation",
    "SoftSmearing",
    "Translation",
    "recentre",
]
