"""Jets as images of 40 x 40 pixels: pure array functions of their constituents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from darkclr.jets import Constituents
from darkclr.kinematics import centroid, delta_phi
from darkclr.ragged import segment_sum

__all__ = ["PIXELS", "PIXEL_SIZE", "jet_images", "smooth_images"]

PIXELS = 40
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
