from __future__ import annotations

from dataclasses import replace

import numpy as np
from toy import toy_jets

from darkclr.augmentations import recentre
from darkclr.jet_images import PIXELS, jet_images, smooth_images
from darkclr.jets import Jets


def square(image):
    return image.reshape(PIXELS, PIXELS)


def jet(pt, eta, phi):
    return Jets.from_constituents([0, len(pt)], pt, eta, phi).constituents


def test_images_are_normalised_and_one_a_jet():
    c = toy_jets(50, seed=0).constituents
    for images in (jet_images(c), smooth_images(c)):
        assert images.shape == (50, 1600)
        assert images.min() >= 0
        np.testing.assert_allclose(images.sum(axis=1), 1, rtol=1e-5)


def test_constituents_of_one_pixel_add_up():
    """Where they lie: the softer prong above the centre by its distance / 0.035 rows."""
    image = square(jet_images(jet([60.0, 40.0, 50.0], [0.0, 0.0, 0.4], [0.0, 0.002, 0.0]))[0])
    assert np.count_nonzero(image) == 2
    np.testing.assert_allclose(np.sort(image.ravel())[-2:], [1 / 3, 2 / 3], rtol=1e-5)
    rows, columns = np.nonzero(image)
    assert abs(columns[0] - columns[1]) <= 1  # upright
    np.testing.assert_allclose(np.ptp(rows), 0.4 / 0.035, atol=1)


def test_rotated_shifted_and_mirrored_jets_have_the_same_image():
    """All but constituents that a rounding moves into the next pixel."""
    c = recentre(toy_jets(200, seed=1, spread=0.2).constituents)
    images = jet_images(c)
    angle = 0.7
    turned = replace(
        c,
        eta=(np.cos(angle) * c.eta - np.sin(angle) * c.phi).astype(np.float32),
        phi=(np.sin(angle) * c.eta + np.cos(angle) * c.phi).astype(np.float32),
    )
    shifted = replace(c, eta=c.eta + 1, phi=(c.phi + 3 + np.pi) % (2 * np.pi) - np.pi)
    for other in (turned, shifted, replace(c, eta=-c.eta)):
        same = np.abs(jet_images(other) - images).sum(axis=1)
        assert np.median(same) < 0.02
        assert np.mean(same < 0.2) > 0.9


def test_more_pt_lies_left_and_above():
    images = jet_images(toy_jets(100, seed=2).constituents).reshape(-1, PIXELS, PIXELS)
    middle = PIXELS // 2  # the pixel of the centroid counts by half
    columns, rows = images.sum(axis=1), images.sum(axis=2)
    left = columns[:, :middle].sum(axis=1) + columns[:, middle] / 2
    above = rows[:, middle + 1 :].sum(axis=1) + rows[:, middle] / 2
    # Pixels are coarse, and the frame cuts some constituents off after the flip.
    assert (left >= 0.49).mean() > 0.8
    assert (above >= 0.49).mean() > 0.8


def test_a_jet_outside_the_frame_is_uniform():
    image = jet_images(jet([50.0, 50.0], [0.0, 0.0], [-1.0, 1.0]))
    np.testing.assert_allclose(image, 1 / 1600)


def test_smoothing_makes_neighbours_of_pixels():
    """A prong that moves by a pixel changes the smoothed image less than the plain one."""
    a, b = (jet([60.0, 50.0, 2.0], [0.0, 0.0, 0.0], [0.0, x, -0.2]) for x in (0.4, 0.435))
    plain = np.abs(jet_images(a) - jet_images(b)).sum()
    smooth = np.abs(smooth_images(a) - smooth_images(b)).sum()
    assert smooth < 0.7 * plain
    ratio = np.sort(smooth_images(a, power=0.5, sigma=0.0)[0])[-1] ** 2
    total = np.sqrt([60, 50, 2]).sum()
    np.testing.assert_allclose(ratio, 60 / total**2, rtol=1e-4)
