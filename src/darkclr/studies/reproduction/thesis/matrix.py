"""Figs. 6.2 and 6.5 of the thesis: similarities of QCD and signal jets, ordered by multiplicity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.published import published
from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.representations import Representations
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import scored_rows, spread
from darkclr.studies.reproduction.scales import setup_title, thesis_setups
from darkclr.studies.reproduction.study import Material, Result, Study

_SHOWN = 500  # jets of each kind
_DECILES = 10
_ALIKE = 0.9  # vectors that are nearly the same, or opposite


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import matrices_figure

    # By training: means of deciles (10, 10) and share of pairs that are alike or opposite.
    means: dict[str, list[NDArray]] = {}
    alike: dict[str, FigureOfMerit] = {}
    shown: dict[str, NDArray] = {}
    counts: dict[str, list[int]] = {}
    for name in material.trainings:
        ensemble = material.ensemble(name)
        (own, *_) = ensemble.repetitions
        means[name], shares = [], []
        for e in own.encoder_numbers:
            rows = scored_rows(ensemble, own.model(e))
            qcd, signal = (_ordered(rows[sample]) for sample in ("qcd", "aachen"))
            matrix = _thinned(qcd[0]) @ _thinned(signal[0]).T
            shown.setdefault(setup_title(name), matrix)
            # The mean similarity of two groups is the product of their mean vectors.
            means[name].append(_mean(qcd[0]) @ _mean(signal[0]).T)
            shares.append(float(np.mean(np.abs(matrix) > _ALIKE)))
        alike[name] = spread(shares)
        counts = {"qcd": _decile_edges(qcd[1]), "aachen": _decile_edges(signal[1])}

    def corner(name: str, row: int, column: int) -> FigureOfMerit:
        return spread([mean[row, column] for mean in means[name]])

    def ordered(name: str) -> FigureOfMerit:
        """How much more alike jets of similar numbers are than those of different ones."""
        return spread([(m[0, 0] + m[-1, -1] - m[0, -1] - m[-1, 0]) / 2 for m in means[name]])

    known = published()["thesis_fig6_2"]["values"]
    dropped = [name for name in means if name.startswith("multi") and name != "multiplicity-0.1"]
    return Result(
        figure=matrices_figure(
            shown,
            rows=[str(c) for c in counts["qcd"]],
            columns=[str(c) for c in counts["aachen"]],
            x="number of constituents, Aachen", y="number of constituents, QCD",
            label="cosine similarity",
        ),
        claims=[
            compare(
                "From a dropping probability of 0.3 on, QCD jets with many constituents are more "
                "like signal jets with many than with few",
                {setup_title(name): (corner(name, 0, 0), corner(name, 0, -1)) for name in dropped},
                reason="the training is short",
            ),
            compare(
                "From a dropping probability of 0.3 on, QCD jets with few constituents are more "
                "like signal jets with few than with many",
                {setup_title(name): (corner(name, -1, -1), corner(name, -1, 0))
                 for name in dropped},
                reason="jets change sides at a number of constituents that few QCD jets are "
                f"below: the tenth with fewest has up to {counts['qcd'][-1]}, that of Aachen up to "
                f"{counts['aachen'][-1]}",
            ),
            compare(
                "At 0.1 similarities do not follow the number of constituents as they do at 0.5",
                {"difference of corners": (ordered("multiplicity-0.5"),
                                           ordered("multiplicity-0.1"))},
                reason="the training is short at both",
            ),
            compare(
                "In the multiplicity setup most jets are mapped to two points: most similarities "
                f"are beyond ±{_ALIKE}",
                {"share at 0.5, and a half": (alike["multiplicity-0.5"],
                                              FigureOfMerit(0.5, None))},
                reason="the training is too short to collapse",
            ),
            compare(
                "In the minimal setup they are not: fewer similarities are",
                {"share": (alike["multiplicity-0.5"], alike["minimal-0.5"]),
                 "a half and the share": (FigureOfMerit(0.5, None), alike["minimal-0.5"])},
                reason="the training has collapsed in part",
            ),
        ],
        tables={
            "share of similarities beyond ±0.9; how much more alike jets of similar numbers are": [
                {"training": setup_title(name), "share": str(alike[name]),
                 "difference of corners": str(ordered(name))}
                for name in means
            ],
            "largest numbers of constituents of each decile, falling, of 50 that are read": [
                {"sample": name, **{f"{i}": str(c) for i, c in enumerate(of, 1)}}
                for name, of in (
                    counts | {f"{n}, thesis, Fig. 6.2": of for n, of in known.items()}
                ).items()
            ],
        },
        numbers={
            "deciles": counts,
            "mean_similarity": {k: np.mean(of, axis=0).tolist() for k, of in means.items()},
            "share_alike": {name: [of.value, of.error] for name, of in alike.items()},
        },
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
    needs="the multiplicity setup at four dropping probabilities, and the minimal setup",
    trainings=thesis_setups,
    measure=_measure,
    published=("thesis_fig6_2",),
)
