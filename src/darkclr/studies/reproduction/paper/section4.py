"""Section 4: the output of the head is better for outliers than what is before it."""

from __future__ import annotations

from collections.abc import Mapping

from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, number
from darkclr.studies.reproduction.scales import Scale, configuration, scanned
from darkclr.studies.reproduction.scan import scan_figure, scan_numbers, scan_tables
from darkclr.studies.reproduction.study import Material, Result, Study

_DENSITIES = {
    "autoencoder": "s_AE",
    "nae": "s_NAE",
    "knn": "kNN",
    "mahalanobis": "Mahalanobis",
    "gaussian_mixture": "Gaussian mixture",
    "flow": "flow",
    "dirichlet_vae": "Dirichlet VAE",
}
_READS = ("z", "pooled")


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    known = configuration(scale).scores or {}
    scores = {
        f"{name}_{reads}": {**known.get(name, {}), "score": name, "reads": reads}
        for name in _DENSITIES
        for reads in _READS
    }
    return {"head": scanned(scale, scores)}


def _measure(material: Material) -> Result:
    table = material.ensemble("head").table()
    tables = dict.fromkeys(_READS, table)
    series = {
        title: (tables, {reads: f"{name}_{reads}" for reads in _READS})
        for name, title in _DENSITIES.items()
    } | {
        "number of constituents *": (tables, "few_constituents"),
        "jet pT *": (tables, "jet_pt"),
    }
    claims = [
        compare(
            f"Densities are better on the output of the head than before it, {column}",
            {
                f"{title}, {label}": (
                    number(table, f"{name}_z", "aachen", figure=figure, column=column),
                    number(table, f"{name}_pooled", "aachen", figure=figure, column=column),
                )
                for name, title in _DENSITIES.items()
                for figure, label in (("auc", "AUC"), ("rejection_0.2", "rejection"))
            },
            reason="the pooled representation holds sums over constituents, and with them their "
            "number, which a density on it sees first",
        )
        for column in COLUMNS
    ]
    return Result(
        figure=scan_figure(series, _READS, x="what the density reads"),
        claims=claims,
        tables=scan_tables(series, _READS),
        numbers=scan_numbers(series),
        remarks=[
            "What is before the head is the pooled representation; `pooling` says what that is, in "
            "the paper the sum over constituents after the last block."
        ],
    )


STUDY = Study(
    name="section4",
    title="Seven densities on the output of the head and on the pooled representation",
    source="DarkCLR, section 4",
    needs="a training, and seven densities on both",
    trainings=_trainings,
    measure=_measure,
)
