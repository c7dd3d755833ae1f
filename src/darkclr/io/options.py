"""How files of jets are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from darkclr.clustering import JET_RADIUS
from darkclr.parameters import AtLeast, Positive, check_parameters
from darkclr.plausibility import BEAM_ENERGY

__all__ = [
    "BATCH_SIZE",
    "EVENT_PT_MIN",
    "NEGATIVE_WEIGHTS",
    "TOP_TAGGING_SLOTS",
    "NegativeWeights",
    "ReadOptions",
]

#: What may become of negative weights: one rule for all commands.
NegativeWeights = Literal["refuse", "keep", "absolute"]
NEGATIVE_WEIGHTS: NegativeWeights = "refuse"

#: Rows that are in memory at a time.
BATCH_SIZE = 10_000

#: Constituents a jet in the files of the top-tagging reference (Zenodo 2603256).
TOP_TAGGING_SLOTS = 200

#: Softest jet that is clustered from the particles of an event, if nothing else is asked for
#: [GeV]. Below it anti-kT "jets" are single particles.
EVENT_PT_MIN = 20.0


@dataclass(frozen=True)
class ReadOptions:
    """How jets are read from files. The default keeps every jet as it is."""

    table: str | None = None
    """The table that is read, where a file holds several of jets: a key of a pandas store, a group
    of HDF5, a tree of ROOT."""
    weight: str | None = None
    """The column of the weights of jets or events, where it is not the one of the layout.
    Weight.Weight[5] is the sixth of a list of weights."""
    negative_weights: NegativeWeights = NEGATIVE_WEIGHTS
    """What becomes of negative weights: their file is refused; they stay, which sums allow, but no
    fit of a density; or their sign is dropped, which changes the spectra."""
    label: Literal[None, -1, 0, 1] = None
    """The label of jets whose file tells none: 0 is background, 1 is signal."""
    select_label: Literal[None, -1, 0, 1] = None
    """Only jets of this label are read; -1 stands for jets without one."""
    constituent_pt_min: Annotated[float, AtLeast(0)] = 0.0
    """Softer constituents are removed [GeV]: from events before clustering, from jets without
    changing the kinematics of the jet."""
    radius: Annotated[float, Positive()] = JET_RADIUS
    """Events of particles are clustered with anti-kT of this radius."""
    pt_min: Annotated[float | None, AtLeast(0)] = None
    """Softer jets are left out [GeV]. By default all jets of a file of jets stay, and those above
    20 GeV of a file of events."""
    pt_max: Annotated[float | None, AtLeast(0)] = None
    """Harder jets are left out [GeV]."""
    abs_eta_max: Annotated[float | None, AtLeast(0)] = None
    """Jets of a larger abs(eta) are left out."""
    n_constituents: Annotated[int | None, AtLeast(1)] = None
    """Each jet keeps at most this many constituents, its hardest ones."""
    drop_empty: bool = False
    """Jets without constituents are left out; otherwise their file is refused."""
    skip_invalid: bool = False
    """Jets with values that are NaN or infinite, or constituents without pT, are left out and
    counted; otherwise their file is refused. `--skip-invalid` says the same."""
    beam_energy: Annotated[float | None, Positive()] = BEAM_ENERGY
    """The largest momentum that a jet may have [GeV]; a larger one is taken for MeV and refused.
    For other colliders it is half the energy of their collisions; null means no limit."""

    def __post_init__(self) -> None:
        check_parameters(self, "options")
