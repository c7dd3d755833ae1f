"""Background and signal samples of a file of scores: their jets, weights and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.results import SampleCounts
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.reweighting import Cells, gluon_weights

__all__ = ["JetClass", "Name", "matching_cells", "read_classes"]

Floats = NDArray[np.float64]
#: Name of a signal sample; None, which is no name, is the background.
Name = str | None

_MATCHED = {"pt": ("pt",), "pt_mass": ("pt", "mass")}


@dataclass(frozen=True, eq=False)
class JetClass:
    """Background, or one signal sample.

    Args:
        rows: (n,) rows of its jets in the files.
        weight: (n,) weights of its jets.
        event: (n,) numbers that tell its events apart.
    """

    rows: NDArray[np.int64]
    weight: Floats
    event: NDArray[np.int64]


def read_classes(
    files: ScoreFiles, config: EvaluationConfig
) -> tuple[dict[str, SampleCounts], int, dict[Name, JetClass]]:
    """Numbers of jets by sample, of unlabelled ones, and the classes, the background first.

    Raises:
        InputError: labels are all equal, the weights of a class do not add up to more than 0, or
            the background has no gluon or no quark jets to mix anew.
    """
    label, event = files["label"].to_numpy(), files["event"].to_numpy()
    weight = files["weight"].to_numpy().astype(np.float64)
    code, names = files.sample_codes()
    samples = {}
    for i, name in enumerate(names):
        own = code == i
        samples[name] = SampleCounts(
            n_jets=int(own.sum()),
            n_events=len(np.unique(event[own])),
            n_signal=int(np.sum(label[own] == SIGNAL)),
            n_background=int(np.sum(label[own] == BACKGROUND)),
            sum_of_weights=float(weight[own].sum()),
            title=files.samples.get(name, {}).get("title"),
            process=files.samples.get(name, {}).get("process"),
        )
    # Several files of background are one class.
    rows: dict[Name, NDArray[np.int64]] = {None: np.flatnonzero(label == BACKGROUND)}
    for i, name in enumerate(names):
        if samples[name].n_signal:
            rows[name] = np.flatnonzero((label == SIGNAL) & (code == i))
    if not len(rows[None]) or len(rows) == 1:
        raise InputError(
            f"the labels are {np.unique(label).tolist()}, a ROC curve needs 0 (background) and 1 "
            "(signal)",
            where=files.where,
            fix="score a background and a signal sample together",
        )
    if config.gluon_share is not None:
        pdg = _partons(files)[rows[None]]
        weight[rows[None]] = gluon_weights(weight[rows[None]], pdg, config.gluon_share)
    # Events of different files may share a number.
    alphabetical = np.argsort(np.argsort(names))[code]
    classes = {}
    for key, own in rows.items():
        _, index = np.unique(event[own], return_inverse=True)
        classes[key] = JetClass(own, weight[own], alphabetical[own] * (index.max() + 1) + index)
        if not classes[key].weight.sum() > 0:
            raise InputError(
                f"the weights of {key or 'the background'} do not add up to more than 0",
                where=files.where,
                fix="give weights, or 1 to all; some may be negative, but not on average",
            )
    n_unlabelled = len(label) - sum(map(np.sum, (label == BACKGROUND, label == SIGNAL)))
    return samples, int(n_unlabelled), classes


def _partons(files: ScoreFiles) -> NDArray[np.int64]:
    """PDG code of the parton of each jet, 0 where none is known."""
    if "parton_pdg" not in files:
        raise InputError(
            "no column parton_pdg: quark and gluon jets cannot be told apart",
            where=files.where,
            fix="encode and score a simulated sample anew, or set gluon_share: null",
        )
    return files["parton_pdg"].fill_null(0).to_numpy()


def matching_cells(
    files: ScoreFiles, config: EvaluationConfig, classes: Mapping[Name, JetClass]
) -> dict[str, Cells] | None:
    """Bins in which background is weighted to the spectrum of each signal, if it is to be.

    Raises:
        InputError: there is no column of what is to be equal.
    """
    if config.match is None:
        return None
    names = _MATCHED[config.match]
    for name in names:
        if name not in files or files[name].null_count:
            raise InputError(
                f"no column {name}, or empty fields in it: nothing can be said at equal {name}",
                where=files.where,
                fix="add it, or set evaluation.match: null",
            )
    values = [files.numbers(name) for name in names]
    own = [x[classes[None].rows] for x in values]
    return {
        signal: Cells.of(own, [x[one.rows] for x in values])
        for signal, one in classes.items()
        if signal is not None
    }
