"""The normalized autoencoder on jet images."""

from __future__ import annotations

from dataclasses import dataclass

from darkclr.anomaly.detectors.images import OnImages
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder

__all__ = ["ImageNormalizedAutoencoder"]


@dataclass(eq=False, repr=False, kw_only=True)
class ImageNormalizedAutoencoder(OnImages, NormalizedAutoencoder):
    """Normalized autoencoder on jet images (arXiv:2206.14225)."""
