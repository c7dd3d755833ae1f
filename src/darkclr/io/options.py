"""How foreign files are read, and what a layout of files is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from darkclr.clustering import JET_RADIUS
from darkclr.errors import ConfigError
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN, Jets

__all__ = ["EVENT_PT_MIN", "JETS_PER_EVENT", "Layout", "ReadOptions"]

#: Softest jet that is clustered from the particles of an event, if nothing else is asked for
#: [GeV]. Below it anti-kT "jets" are single particles.
EVENT_PT_MIN = 20.0

#: The particles of an event take as much memory as those of this many jets.
JETS_PER_EVENT = 5


@dataclass(frozen=True)
class ReadOptions:
    """How jets are read from files. The default keeps every jet as it is.

    Args:
        label: label of the jets (0 background, 1 signal) whose label the file does not tell.
        constituent_pt_min: softer constituents are removed [GeV]: from events before clustering,
            from jets without changing the kinematics of the jet.
        radius: events of particles are clustered with anti-kT of this radius.
        pt_min: softest jet that is kept [GeV]; by default all jets of a file of jets, and those
            above 20 GeV of a file of events.
        pt_max: hardest jet that is kept [GeV].
        abs_eta_max: jets are kept up to this abs(eta).
        n_constituents: only this many constituents of each jet are kept, the hardest ones.
        drop_empty: leave out jets without constituents instead of refusing the file.
    """

    label: int | None = None
    constituent_pt_min: float = 0.0
    radius: float = JET_RADIUS
    pt_min: float | None = None
    pt_max: float | None = None
    abs_eta_max: float | None = None
    n_constituents: int | None = None
    drop_empty: bool = False

    def __post_init__(self) -> None:
        if self.label not in (None, UNKNOWN, BACKGROUND, SIGNAL):
            raise ConfigError(
                f"label {self.label}", where="options", fix="choose 0 (background) or 1 (signal)"
            )
        positive = {"radius": self.radius, "n_constituents": self.n_constituents}
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise ConfigError(f"{name} = {value} is not positive", where="options")
        cuts = {
            "constituent_pt_min": self.constituent_pt_min,
            "pt_min": self.pt_min,
            "pt_max": self.pt_max,
            "abs_eta_max": self.abs_eta_max,
        }
        for name, value in cuts.items():
            if value is not None and not value >= 0:
                raise ConfigError(f"{name} = {value} is negative", where="options")


@dataclass(frozen=True)
class Layout:
    """One way in which files of jets are laid out.

    Args:
        name: how it is asked for.
        title: how it is called in texts.
        container: "parquet", "hdf5" or "root".
        suffixes: of files that a directory is searched for.
        looks_for: one line: by what the layout is recognised.
        recognise: reason why a file is of this layout, or None.
        batches: jets of a file in batches of about so many rows, as they are in the file: cuts
            on jets are applied by :func:`darkclr.io.layouts.iterate_jets`.
        holds_events: jets are clustered from particles.
        numbers_events: the file numbers its events itself; else its rows are their numbers.
    """

    name: str
    title: str
    container: str
    suffixes: tuple[str, ...]
    looks_for: str
    recognise: Callable[[Path], str | None]
    batches: Callable[[Path, ReadOptions, int], Iterator[Jets]]
    holds_events: bool = False
    numbers_events: bool = False
