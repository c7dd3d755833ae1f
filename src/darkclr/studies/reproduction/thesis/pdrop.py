"""Figs. 6.1, 6.7 and 6.8 and Table 6.1 of the thesis: the dropping probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, distance, number, scored_rows, spread
from darkclr.studies.reproduction.scales import Scale, thesis
from darkclr.studies.reproduction.scan import scan_figure, scan_numbers, scan_tables
from darkclr.studies.reproduction.study import Material, Result, Study

_DROPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_NEAR = 0.05
_PLATEAU = ("0.3", "0.4", "0.5", "0.6")


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    return {f"multiplicity-{p:g}": thesis(scale, "multiplicity", p) for p in _DROPS}


def _measure(material: Material) -> Result:
    from darkclr.report.run_files import read_history

    drops = [f"{p:g}" for p in _DROPS]
    tables = {p: material.ensemble(f"multiplicity-{p}").table() for p in drops}
    series = {
        "s_NAE of the thesis": (tables, "nae_thesis"),
        "s_CLR": (tables, "norm"),
        "number of constituents *": (tables, "few_constituents"),
        "jet pT *": (tables, "jet_pt"),
    }
    separation: dict[str, FigureOfMerit] = {}
    rows, learned = [], {}
    for p in drops:
        ensemble = material.ensemble(f"multiplicity-{p}")
        (own, *_) = ensemble.repetitions
        last, extent = [], []
        for e in own.encoder_numbers:
            history = read_history(
                own.model(e) / "encoder" / "history.csv", ("alignment", "anomaly_similarity")
            )
            known = np.flatnonzero(np.isfinite(history["alignment"]))[-1]
            last.append([history[name][known] for name in ("alignment", "anomaly_similarity")])
            of = scored_rows(ensemble, own.model(e))
            z = np.concatenate([of["qcd"].z, of["aachen"].z])
            extent.append([float(z.min()), float(z.max())])
        ends, ranges = np.mean(last, axis=0), np.mean(extent, axis=0)
        separation[p] = spread([a - b for a, b in last])
        learned[p] = {"similarities": ends.tolist(), "range": ranges.tolist()}
        rows.append(
            {
                "p_drop": p,
                "s(z, z′) at the end": f"{ends[0]:.3f}",
                "s(z, z*) at the end": f"{ends[1]:.3f}",
                "lowest and highest feature": f"{ranges[0]:.3g}, {ranges[1]:.3g}",
            }
        )
    extents = {p: FigureOfMerit(of["range"][1] - of["range"][0], None) for p, of in learned.items()}
    claims = []
    for column in COLUMNS:
        aucs = {
            p: number(tables[p], "nae_thesis", "aachen", figure="auc", column=column) for p in drops
        }
        count = number(tables["0.5"], "few_constituents", "aachen", figure="auc", column=column)
        plateau = _mean([aucs[p] for p in _PLATEAU])
        claims += [
            compare(
                f"The AUC has a plateau from 0.3 to 0.6, and is less around it, {column}",
                {f"its mean, and at {p}": (plateau, aucs[p]) for p in ("0.1", "0.2", "0.7")},
                reason="the autoencoder of the thesis spreads by 0.04 from fit to fit",
            ),
            compare(
                f"It is at the AUC of the number of constituents, within {_NEAR}, {column}",
                {
                    f"{_NEAR} and the distance": (
                        FigureOfMerit(_NEAR, None),
                        replace(distance(plateau, count), error=plateau.error),
                    )
                },
                reason="chains and trainings are shorter than the thesis's",
            ),
        ]
    return Result(
        figure=scan_figure(series, drops, x="p$_{drop}$"),
        claims=[
            *claims,
            compare(
                "At 0.1 the two similarities are less apart than at 0.5",
                {"difference of similarities": (separation["0.5"], separation["0.1"])},
                reason="both trainings end early",
            ),
            compare(
                "Where the training does not converge, at 0.1 and 0.2, features range further",
                {f"range at {p} and 0.5": (extents[p], extents["0.5"]) for p in ("0.1", "0.2")},
                reason="the training is too short for the norm to run away",
            ),
        ],
        tables=scan_tables(series, drops) | {"similarities and ranges of z": rows},
        numbers=scan_numbers(series) | {"learned": learned},
    )  # fmt: skip


def _mean(of: Sequence[FigureOfMerit]) -> FigureOfMerit:
    """Of independent numbers."""
    values, errors = [one.value or np.nan for one in of], [one.error or 0.0 for one in of]
    return FigureOfMerit(float(np.mean(values)), float(np.linalg.norm(errors)) / len(of))


STUDY = Study(
    name="thesis-pdrop",
    title="The multiplicity setup over the dropping probability: AUC, similarities, ranges of z",
    source="thesis, Figs. 6.1, 6.7 and 6.8, Table 6.1",
    needs="a training of the multiplicity setup for each probability",
    trainings=_trainings,
    measure=_measure,
    published=("thesis_auc", "thesis_table6_1"),
)
