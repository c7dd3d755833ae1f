"""Figs. 6.2 and 6.5 of the thesis: similarities of QCD and signal jets, ordered by multiplicity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.representations import Representations
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import scored_rows, spread
from darkclr.studies.reproduction.scales import robustness
from darkclr.studies.reproduction.study import Material, Result, Study

_SHOWN = 500  # jets of each kind
_DECILES = 10
_ALIKE = 0.9  # vectors that are nearly the same, or opposite


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import matrices_figure

    ensemble = material.ensemble("robustness")
    (own, *_) = ensemble.repetitions
    means, broad = [], []
    shown: dict[str, NDArray] = {}
    for e in own.encoder_numbers:
        rows = scored_rows(ensemble, own.model(e))
        qcd, signal = (_ordered(rows[name]) for name in ("qcd", "aachen"))
        matrix = _thinned(qcd[0]) @ _thinned(signal[0]).T
        shown.setdefault(f"{_SHOWN} × {_SHOWN} jets, encoder 1", matrix)
        # The mean similarity of two groups is the product of their mean vectors.
        means.append(_mean(qcd[0]) @ _mean(signal[0]).T)
        broad.append(float(np.mean(np.abs(matrix) < _ALIKE)))
    counts = {"qcd": _decile_edges(qcd[1]), "aachen": _decile_edges(signal[1])}
    mean = np.mean(means, axis=0)
    corners = {
        "many, many": spread([m[0, 0] for m in means]),
        "many, few": spread([m[0, -1] for m in means]),
        "few, many": spread([m[-1, 0] for m in means]),
        "few, few": spread([m[-1, -1] for m in means]),
    }
    return Result(
        figure=matrices_figure(
            shown | {"means of deciles, all encoders": mean},
            rows=[str(c) for c in counts["qcd"]],
            columns=[str(c) for c in counts["aachen"]],
            x="number of constituents, Aachen", y="number of constituents, QCD",
            label="cosine similarity",
        ),
        claims=[
            compare(
                "QCD jets with many constituents are more like signal jets with many than with few",
                {"means of deciles": (corners["many, many"], corners["many, few"])},
                reason="the training is short",
            ),
            compare(
                "QCD jets with few constituents are more like signal jets with few than with many",
                {"means of deciles": (corners["few, few"], corners["few, many"])},
                reason="with falling numbers z turns by more than half a circle, and then "
                "comes near the jets with many again",
            ),
            compare(
                "In the minimal setup jets are not mapped to two points: most similarities are "
                f"between −{_ALIKE} and {_ALIKE}",
                {"share of pairs, and a half": (spread(broad), FigureOfMerit(0.5, None))},
                reason="the training has collapsed in part",
            ),
        ],
        tables={
            "largest numbers of constituents of each decile, falling, of 50 that are read": [
                {"sample": name, **{f"{i}": str(c) for i, c in enumerate(of, 1)}}
                for name, of in counts.items()
            ]
        },
        numbers={
            "deciles": counts,
            "mean_similarity": mean.tolist(),
            "share_between": broad,
        },
        remarks=[
            "Positive views are rotated and translated alone here, as in the minimal setup of the "
            "thesis."
        ],
    )  # fmt: skip


def _ordered(rows: Representations) -> tuple[NDArray, NDArray]:
    """Unit vectors and numbers of constituents, those with most constituents first."""
    order = np.argsort(-rows.n_constituents, kind="stable")
    unit = rows.z / np.maximum(np.linalg.norm(rows.z, axis=1, keepdims=True), 1e-12)
    return unit[order], np.minimum(rows.n_constituents[order], N_CONSTITUENTS)


def _thinned(unit: NDArray) -> NDArray:
    return unit[np.linspace(0, len(unit) - 1, min(_SHOWN, len(unit))).astype(int)]


def _mean(unit: NDArray) -> NDArray:
    """(10, d) mean vectors of the deciles."""
    return np.stack([part.mean(axis=0) for part in np.array_split(unit, _DECILES)])


def _decile_edges(n_constituents: NDArray) -> list[int]:
    return [int(part[0]) for part in np.array_split(n_constituents, _DECILES)]


STUDY = Study(
    name="thesis-matrix",
    title="Cosine similarities of QCD and Aachen jets, ordered by the number of constituents",
    source="thesis, Figs. 6.2 and 6.5",
    needs="the encoders of the ensemble of five signals",
    trainings=lambda scale: {"robustness": robustness(scale)},
    measure=_measure,
    published=("thesis_fig6_2",),
)
