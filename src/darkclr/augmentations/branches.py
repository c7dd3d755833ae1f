"""Branches of a jet's Cambridge-Aachen tree, for augmentations that act on whole branches.

Source: Y. Dokshitzer et al., JHEP 08 (1997) 001, hep-ph/9707323; FastJet, arXiv:1111.6097.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.jets import Constituents

__all__ = ["cambridge_aachen"]


def cambridge_aachen(constituents: Constituents, radius: float) -> NDArray[np.int64]:
    """The branch that each constituent belongs to.

    Cambridge-Aachen merges the two nearest again and again; where the nearest two are further
    apart than ``radius``, the tree is cut, and what is left are the branches. FastJet clusters
    all jets in one call.

    Args:
        constituents: massless, relative to the jet axis.
        radius: where the tree is cut, in the eta-phi plane.

    Returns:
        (n_constituents,) numbers of branches, which are counted through over all jets.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
    """
    from darkclr.simulation.clustering import _backend

    awkward, fastjet = _backend()
    pt, eta, phi = (
        x.astype(np.float64) for x in (constituents.pt, constituents.eta, constituents.phi)
    )
    momenta = {
        "px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta),
        "E": pt * np.cosh(eta),
    }  # fmt: skip
    content = awkward.contents
    records = content.RecordArray(
        [content.NumpyArray(x) for x in momenta.values()],
        list(momenta),
        parameters={"__record__": "Momentum4D"},
    )
    offsets = awkward.index.Index64(constituents.offsets)
    jets = awkward.Array(content.ListOffsetArray(offsets, records))
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, radius)
    members = fastjet.ClusterSequence(jets, definition).constituent_index(min_pt=0.0)
    n_branches = awkward.to_numpy(awkward.num(members, axis=1))
    branches = awkward.flatten(members, axis=1)
    sizes = awkward.to_numpy(awkward.num(branches, axis=1))
    first = np.repeat(np.repeat(constituents.offsets[:-1], n_branches), sizes)
    rows = first + awkward.to_numpy(awkward.flatten(branches, axis=1))
    branch = np.empty(len(pt), dtype=np.int64)
    branch[rows] = np.repeat(np.arange(len(sizes)), sizes)
    return branch
