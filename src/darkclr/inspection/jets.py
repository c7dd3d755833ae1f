"""What files of jets hold, read in a stream: counts, ranges, spectra, the average jet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.duplicates import FirstOccurrence
from darkclr.io.atomic import atomic_path
from darkclr.io.kinematics_check import KinematicsCheck, spot_check
from darkclr.io.options import ReadOptions
from darkclr.io.reading import jets_by_file
from darkclr.io.sources import Source, known_number
from darkclr.jets import LABELS, Jets
from darkclr.kinematics import delta_phi
from darkclr.reporter import Reporter, Silent

__all__ = ["FileSummary", "Quantity", "Summary", "summarise"]

_BINS = 24
# Constituents are too many to keep: bins of a hundredth of a decade give their median to 1 %.
_PT_EDGES = np.logspace(-6, 5, 1101)
_IMAGE_SHAPE = (15, 30)  # characters are twice as high as wide
_IMAGE_RANGE = 1.0


@dataclass(frozen=True)
class FileSummary:
    """One file: layout and container, by what it was recognised, how many jets came out of it."""

    name: str
    layout: str
    title: str
    container: str
    why: str
    jets: int


@dataclass(frozen=True, eq=False)
class Quantity:
    """Distribution of one quantity: smallest, median, mean, largest value, and a histogram."""

    minimum: float
    median: float
    mean: float
    maximum: float
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray) -> Quantity:
        """Of all values (n,), n > 0."""
        counts, edges = np.histogram(values.astype(np.float64), bins=_BINS)
        return cls(
            float(values.min()),
            float(np.median(values)),
            float(values.mean(dtype=np.float64)),
            float(values.max()),
            counts,
            edges,
        )


@dataclass(frozen=True, eq=False)
class Summary:
    """What files of jets hold.

    Args:
        files: the files, in the order in which they were read.
        jets, events: numbers of jets and events.
        labels: number of jets by label: "background", "signal", "unknown".
        duplicates: number of jets whose constituents are those of an earlier jet.
        quantities: distributions by name and unit.
        image: (15, 30) share of the jets' pT in cells of (phi, eta) relative to the stored
            axis, both from -1 to 1: the average jet.
        check: stored kinematics against the sum of the constituents, of the batch that fits
            worst.
        provenance: how the jets were made, one entry for each different origin.
    """

    files: tuple[FileSummary, ...]
    jets: int
    events: int
    labels: Mapping[str, int]
    duplicates: int
    quantities: Mapping[str, Quantity]
    image: NDArray[np.float64]
    check: KinematicsCheck
    provenance: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the image as JSON-able data."""
        return {
            "files": [vars(file) for file in self.files],
            "jets": self.jets,
            "events": self.events,
            "labels": dict(self.labels),
            "duplicates": self.duplicates,
            "quantities": {
                name: {
                    key: value.tolist() if isinstance(value, np.ndarray) else value
                    for key, value in vars(quantity).items()
                }
                for name, quantity in self.quantities.items()
            },
            "kinematics": {**vars(self.check), "problem": self.check.problem},
            "provenance": [dict(origin) for origin in self.provenance],
        }

    def write(self, path: str | Path) -> None:
        """Write everything but the image to a JSON file."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")


def summarise(
    source: Source,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    reporter: Reporter = Silent(),
) -> Summary:
    """Read files once and say what is in them; memory is 48 bytes a jet.

    Args:
        source, layout, options: as of :func:`darkclr.io.reading.iterate_jets`.
        reporter: told how far the reading is.

    Raises:
        InputError: a file that cannot be read or has no jets.
    """
    total = _Total()
    files = []
    if options.negative_weights == "refuse":
        options = replace(options, negative_weights="keep")  # to look at a file is no use of it
    with reporter.bar("read", known_number(source), keep=False) as advance:
        for name, found, batches in jets_by_file(source, layout=layout, options=options):
            before = total.jets
            for jets in batches:
                total.add(jets)
                advance(len(jets))
            files.append(FileSummary(name, *found.names(), total.jets - before))
            total.end_file()
    return total.summary(tuple(files))


class _Total:
    """Sums over batches."""

    def __init__(self) -> None:
        self.jets = self.events = 0
        self._event: list[NDArray] = []
        self._first, self._duplicates = FirstOccurrence(), 0
        self._columns: dict[str, list[NDArray]] = {}
        self._pt_counts = np.zeros(len(_PT_EDGES) - 1, dtype=np.int64)
        self._pt_sum, self._pt_range = 0.0, (np.inf, 0.0)
        self._image = np.zeros(_IMAGE_SHAPE)
        self._check = KinematicsCheck(0, 1.0, 0.0, -1.0)
        self._origins: list[Mapping[str, Any]] = []

    def add(self, jets: Jets) -> None:
        self.jets += len(jets)
        self._event.append(jets.event)
        self._duplicates += len(jets) - int(self._first(jets).sum())
        for name, values in (
            ("pt [GeV]", jets.pt),
            ("eta", jets.eta),
            ("phi [rad]", jets.phi),
            ("mass [GeV]", jets.mass),
            ("constituents", jets.n_constituents.astype(np.int32)),
            ("weight", jets.weight),
            ("label", jets.label),
        ):
            self._columns.setdefault(name, []).append(values)
        c = jets.constituents
        self._pt_counts += np.histogram(c.pt, _PT_EDGES)[0]
        self._pt_sum += float(c.pt.sum(dtype=np.float64))
        low, high = self._pt_range
        self._pt_range = (min(low, float(c.pt.min())), max(high, float(c.pt.max())))
        owner = c.jet_index
        cell, _, _ = np.histogram2d(
            delta_phi(c.phi, jets.phi[owner]),
            c.eta - jets.eta[owner],
            _IMAGE_SHAPE,
            [(-_IMAGE_RANGE, _IMAGE_RANGE)] * 2,
            weights=c.pt / jets.pt[owner],
        )
        self._image += cell
        if (check := spot_check(jets)).outside > self._check.outside:
            self._check = check
        if jets.provenance not in self._origins:
            self._origins.append(jets.provenance)

    def end_file(self) -> None:
        """Events of different files are different, whatever their numbers."""
        self.events += len(np.unique(np.concatenate(self._event))) if self._event else 0
        self._event = []

    def summary(self, files: tuple[FileSummary, ...]) -> Summary:
        columns = {name: np.concatenate(parts) for name, parts in self._columns.items()}
        label = columns.pop("label")
        quantities = {name: Quantity.of(values) for name, values in columns.items()}
        quantities["constituent pt [GeV]"] = self._constituent_pt()
        return Summary(
            files=files,
            jets=self.jets,
            events=self.events,
            labels={
                LABELS[int(value)]: int(n)
                for value, n in zip(*np.unique(label, return_counts=True), strict=True)
            },
            duplicates=self._duplicates,
            quantities=quantities,
            image=self._image / self.jets,
            check=self._check,
            provenance=tuple(self._origins),
        )

    def _constituent_pt(self) -> Quantity:
        counts, (low, high) = self._pt_counts, self._pt_range
        median = _PT_EDGES[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
        # Bins of equal width in the logarithm, from the softest to the hardest.
        edges = np.geomspace(low, high * (1 + 1e-6), _BINS + 1)
        centres = np.sqrt(_PT_EDGES[1:] * _PT_EDGES[:-1])
        return Quantity(
            low,
            float(np.clip(median, low, high)),
            self._pt_sum / int(counts.sum()),
            high,
            np.histogram(np.clip(centres, low, high), edges, weights=counts)[0].astype(np.int64),
            edges,
        )
