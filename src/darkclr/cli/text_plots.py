"""Histograms and pictures made of characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["shades", "spark"]

_BARS = {True: " ▁▂▃▄▅▆▇█", False: " .:-=+*#@"}
_SHADES = {True: " ·░▒▓█", False: " .:*#@"}
_DECADES = 3


def spark(counts: ArrayLike, *, unicode: bool = True) -> str:
    """A histogram of one line; only empty bins are blank.

    >>> spark([0, 1, 4, 2])
    ' ▂█▄'
    >>> spark([0, 1, 4, 2], unicode=False)
    ' :@='
    """
    counts = np.asarray(counts, dtype=np.float64)
    bars = _BARS[unicode]
    levels = np.ceil(counts / max(counts.max(), 1e-300) * (len(bars) - 1)).astype(int)
    return "".join(bars[level] for level in levels)


def shades(image: ArrayLike, *, unicode: bool = True) -> list[str]:
    """Lines of a picture (rows, columns), first row below, in logarithmic shades of 3 decades.

    >>> shades([[0, 1e-9], [0.1, 1]])
    ['▓█', '  ']
    """
    # A share may be infinite, if a file says that its jet has next to no pT.
    image = np.nan_to_num(np.asarray(image, dtype=np.float64))
    ramp = _SHADES[unicode]
    with np.errstate(divide="ignore"):
        height = 1 + np.log10(image / max(image.max(), 1e-300)) / _DECADES
    levels = np.ceil(np.clip(height, 0, 1) * (len(ramp) - 1)).astype(int)
    return ["".join(ramp[level] for level in row) for row in levels[::-1]]
