"""Jets as images of 40 x 40 pixels, and autoencoders on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import nn

from darkclr.anomaly.detectors.autoencoder import (
    ACTIVATIONS,
    Autoencoder,
    AutoencoderNetwork,
    perceptron,
)
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder
from darkclr.errors import InputError
from darkclr.jets import Constituents, Jets
from darkclr.kinematics import centroid, delta_phi
from darkclr.parameters import Ranges
from darkclr.ragged import segment_sum

__all__ = [
    "IMAGE_CHANNELS",
    "PIXELS",
    "ImageAutoencoder",
    "ImageNetwork",
    "ImageNormalizedAutoencoder",
    "jet_images",
    "smooth_images",
]

PIXELS = 40
#: Channels of the three convolutions of stride 2; ours.
IMAGE_CHANNELS = (8, 16, 32)
#: Size of a pixel in eta and phi: that of the public code of the image (arXiv:1808.08979).
PIXEL_SIZE = (0.029, 0.035)


def jet_images(constituents: Constituents) -> NDArray[np.float32]:
    """Normalised images of jets, (n, 1600) float32; row-major in (phi, eta).

    The preprocessing of the cited works (arXiv:1808.08979, 2104.08291, 2206.14225): the
    pT-weighted centroid in the middle, the principal axis upright, flipped so that more pT lies
    to the left and above; pT summed in 40 x 40 pixels of 0.029 x 0.035, the rest cut off, sum 1.
    The authors' code keeps only the last of several constituents in a pixel; here they add up.
    An image whose jet has nothing within the frame, which is 1.16 x 1.4, is uniform.
    """
    x, y = _upright(constituents)
    pt, ids = constituents.pt.astype(np.float64), constituents.jet_index
    # The centroid is the middle of a pixel: were it an edge, the principal axis, where most of the
    # pT lies, would fall to either side of it by rounding.
    column = np.floor(x / PIXEL_SIZE[0] + (PIXELS + 1) / 2).astype(np.int64)
    row = np.floor(y / PIXEL_SIZE[1] + (PIXELS + 1) / 2).astype(np.int64)
    inside = (column >= 0) & (column < PIXELS) & (row >= 0) & (row < PIXELS)
    n_pixels = PIXELS**2
    index = (ids * n_pixels + row * PIXELS + column)[inside]
    images = np.bincount(index, weights=pt[inside], minlength=len(constituents) * n_pixels)
    images = images.reshape(-1, n_pixels)
    total = images.sum(axis=1, keepdims=True)
    return np.where(total > 0, images / np.where(total > 0, total, 1), 1 / n_pixels).astype(
        np.float32
    )


def smooth_images(
    constituents: Constituents, power: float = 0.5, sigma: float = 1.0
) -> NDArray[np.float32]:
    """Images for a mean squared error, (n, 1600) float32, sum 1.

    A single hard pixel dominates the error of a plain image, and neighbouring pixels count as
    strangers. So intensities are raised to ``power`` and smeared by a Gaussian of ``sigma``
    pixels, as in arXiv:2206.14225 (whose exponent for semi-visible jets we did not find in its
    public code: 1/2 is ours).
    """
    images = jet_images(constituents).astype(np.float64).reshape(-1, PIXELS, PIXELS) ** power
    images = gaussian_filter(images, sigma=(0, sigma, sigma)).reshape(-1, PIXELS**2)
    return (images / images.sum(axis=1, keepdims=True)).astype(np.float32)


def plain(jets: Jets) -> NDArray[np.float32]:
    """Features of scores on plain images."""
    return jet_images(jets.constituents)


def smooth(jets: Jets) -> NDArray[np.float32]:
    """Features of scores on smoothed images."""
    return smooth_images(jets.constituents)


def _upright(constituents: Constituents) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centred, rotated and flipped (eta, phi) of each constituent."""
    c, ids = constituents, constituents.jet_index
    pt = c.pt.astype(np.float64)
    eta, phi = centroid(c.pt, c.eta, c.phi, c.offsets)
    x = c.eta.astype(np.float64) - eta[ids]
    y = delta_phi(c.phi.astype(np.float64), phi[ids])
    xx, yy, xy = (segment_sum(pt * v, c.offsets) for v in (x * x, y * y, x * y))
    # Angle of the principal axis to the y axis.
    angle = 0.5 * np.arctan2(2 * xy, yy - xx)[ids]
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = cos * x - sin * y, sin * x + cos * y
    left = segment_sum(pt * (np.sign(x) * -1), c.offsets)
    above = segment_sum(pt * np.sign(y), c.offsets)
    return np.where(left < 0, -1, 1)[ids] * x, np.where(above < 0, -1, 1)[ids] * y


class ImageNetwork(AutoencoderNetwork):
    """Convolutional encoder 40² -> 20² -> 10² -> 5² -> bottleneck and its mirror image.

    Args:
        channels: of the three convolutions of stride 2.
        bottleneck, sphere: as in :class:`AutoencoderNetwork`.
        activation: class of the activations between the layers.
        generator: source of the initial weights.
    """

    def __init__(
        self,
        channels: tuple[int, int, int],
        *,
        bottleneck: int,
        activation: type[nn.Module],
        sphere: bool,
        generator: torch.Generator,
    ) -> None:
        nn.Module.__init__(self)
        self.bottleneck = bottleneck
        self.sphere = sphere
        a, b, c = channels
        flat = c * 25

        def down(n_in: int, n_out: int) -> nn.Module:
            return _drawn(nn.Conv2d, n_in, n_out, 9 * n_in, generator, padding=1)

        def up(n_in: int, n_out: int) -> nn.Module:
            return _drawn(
                nn.ConvTranspose2d,
                n_in,
                n_out,
                9 * n_in / 4,
                generator,
                padding=1,
                output_padding=1,
            )

        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, PIXELS, PIXELS)),
            *(down(1, a), activation(), down(a, b), activation(), down(b, c), activation()),
            nn.Flatten(),
            *perceptron([flat, bottleneck], activation, generator),
        )
        self.decoder = nn.Sequential(
            *perceptron([bottleneck, flat], activation, generator),
            activation(),
            nn.Unflatten(1, (c, 5, 5)),
            *(up(c, b), activation(), up(b, a), activation(), up(a, 1)),
            nn.Flatten(),
        )


def _drawn(
    kind: Any, n_in: int, n_out: int, fan_in: float, generator: torch.Generator, **options: int
) -> nn.Module:
    """A convolution of stride 2 with weights of the generator, not of the global random state."""
    layer = nn.utils.skip_init(kind, n_in, n_out, 3, stride=2, **options)
    bound = fan_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


class _OnImages:
    """The network of an autoencoder is convolutional; ``widths`` are its channels."""

    def _ranges(self: Any) -> Ranges:
        three = len(self.widths) == 3 and all(width >= 1 for width in self.widths)
        return {
            **super()._ranges(),  # type: ignore[misc]
            "widths": (three, "three numbers of channels"),
        }

    def _build(self: Any, generator: torch.Generator) -> AutoencoderNetwork:
        if self.n_features_in_ != PIXELS**2:
            raise InputError(
                f"images of {self.n_features_in_} pixels",
                where="features",
                fix=f"give images of {PIXELS**2} pixels",
            )
        return ImageNetwork(
            tuple(self.widths),
            bottleneck=self.bottleneck,
            activation=ACTIVATIONS[self.activation],
            sphere=self._spherical,
            generator=generator,
        )


class ImageAutoencoder(_OnImages, Autoencoder):
    """Reconstruction error of a convolutional autoencoder on jet images (arXiv:1808.08979).

    Arguments and attributes are those of :class:`Autoencoder`, where
    ``widths`` are the channels of three convolutions.
    """


class ImageNormalizedAutoencoder(_OnImages, NormalizedAutoencoder):
    """Normalized autoencoder on jet images (arXiv:2206.14225).

    Arguments and attributes are those of
    :class:`~darkclr.anomaly.nae.normalized_autoencoder.NormalizedAutoencoder`, where ``widths`` are
    the channels of three convolutions.
    """
