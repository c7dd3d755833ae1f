"""What columns mean: one layout a file, whatever the container that holds the columns."""

from darkclr.io.layouts.four_vectors import from_four_vectors
from darkclr.io.layouts.layout import Layout
from darkclr.io.layouts.registry import LAYOUTS, Recognised, choose, layout_named
from darkclr.io.raw_jets import RawJets

__all__ = [
    "LAYOUTS",
    "Layout",
    "RawJets",
    "Recognised",
    "choose",
    "from_four_vectors",
    "layout_named",
]
