"""Constituents of jets that were read."""

from __future__ import annotations

import numpy as np

from darkclr.jets import Jets


def assert_constituents(jets: Jets, table, tolerance=2e-6):
    """Equal constituents, hardest first, in (pt, eta, phi)."""
    assert jets.n_constituents.tolist() == [len(row) for row in table]
    c, expected = jets.constituents, np.concatenate(table)
    np.testing.assert_allclose(c.pt, expected[:, 0], rtol=tolerance)
    np.testing.assert_allclose(c.eta, expected[:, 1], atol=tolerance)
    difference = (c.phi - expected[:, 2] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(difference, 0, atol=tolerance)
    assert ((c.phi >= -np.pi) & (c.phi < np.pi)).all()
