"""Figs. 1 and 3 of the report of CMS, and the WNAE beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import Jets
from darkclr.reporter import Reporter
from darkclr.studies.duration import Job
from darkclr.studies.reproduction.cms.claims import claims_of, from_chosen
from darkclr.studies.reproduction.cms.fits import Columns, Fit, equal_pt, fits, yardsticks
from darkclr.studies.reproduction.cms.sizes import (
    AUTOENCODERS,
    BENCHMARK,
    SIZES,
    Sizes,
    grid,
    trainings,
)
from darkclr.studies.reproduction.readings import COLUMNS, rows_of, spread
from darkclr.studies.reproduction.scales import Scale
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.worker_pool import available_cores

if TYPE_CHECKING:  # an extra
    from darkclr.report.figures.autoencoders import AucMap

__all__ = ["measured"]

#: Share of a signal's jets whose pT background must reach for a column at equal pT.
_ENOUGH = 0.95
#: Columns of the history that claims follow beyond the chosen epoch.
_FOLLOWED = ("validation_energy", "energy_movers_distance")
#: What an epoch is chosen by.
_DISTANCES = {
    "ae_cms": ("validation_energy", "validation error"),
    "nae_cms": ("energy_movers_distance", "energy mover's distance"),
    "wnae_cms": ("wasserstein", "Wasserstein distance W₂²"),
}


def _measure(material: Material) -> Result:
    sizes, ensemble = SIZES[material.scale.name], material.ensemble("cms-top")
    split, run = ensemble.config.split, ensemble.run
    top = run.jets("top")
    result = measured(
        top.part("train", split),
        top.part("test", split),
        {name: run.jets(name) for name in grid(sizes)},
        sizes,
        material.folder / "fits",
        material.reporter,
        workers=available_cores() if material.scale.tests_claims else 1,
    )
    beside = _beside(material, result.numbers["compared_at_equal_pt"])
    return replace(result, tables={**result.tables, **beside})


def measured(
    train: Jets,
    test: Jets,
    signals: Mapping[str, Jets],
    sizes: Sizes,
    folder: Path,
    reporter: Reporter,
    *,
    workers: int = 1,
) -> Result:
    """All trainings of the autoencoders, with what they say.

    Args:
        train, test: jets of top pairs.
        signals: jets by name, see :func:`~darkclr.studies.reproduction.cms.sizes.grid`.
        sizes: numbers of the study.
        folder: of the trainings, finished ones of which are read.
        reporter: hears of the progress.
        workers: number of processes.
    """
    from darkclr.report.figures.autoencoders import Panel, autoencoders_figure  # an extra

    columns, names = Columns.of(train, test, signals), list(signals)
    found = {
        name: fits(
            name,
            sizes.options.get(name, {}),
            columns,
            folder,
            trainings=sizes.trainings,
            workers=workers,
            reporter=reporter,
        )
        for name in AUTOENCODERS
    }
    shown = BENCHMARK if BENCHMARK in names else names[0]
    pt = columns.pt
    compared = {name: float(equal_pt(pt[""], pt[name])[1].mean()) for name in names}
    untrained = yardsticks(test, signals)
    areas = {title: [area] for title, area in untrained.items()}
    areas |= {AUTOENCODERS[name]: [dict(fit.auc) for fit in of] for name, of in found.items()}
    maps = {title: (_map(of, sizes, 0), _map(of, sizes, 1)) for title, of in areas.items()}
    panels = {
        AUTOENCODERS[name]: Panel.of(
            [fit.history for fit in of],
            of[0].chosen,
            [fit.mean_auc(names) for fit in of],
            shown,
            _DISTANCES[name],
        )
        for name, of in found.items()
    }
    return Result(
        figure=autoencoders_figure(panels, maps, masses=sizes.masses, shares=sizes.shares),
        claims=claims_of(found, names, shown),
        tables={
            f"AUC of {sizes.trainings} trainings, {column}": _table(maps, sizes, i)
            + (_shares(compared, sizes) if i else [])
            for i, column in enumerate(COLUMNS)
        },
        numbers=_numbers(found, shown)
        | {
            "yardsticks": {
                title: {name: _plain(auc, 17) for name, auc in area.items()}
                for title, area in untrained.items()
            },
            "compared_at_equal_pt": compared,
        },
        remarks=[
            f"The benchmark is {shown} (mediator mass in GeV, invisible share). Signals are scored "
            "each epoch for the picture only: nothing that is kept depends on them.",
            f"Mean and standard deviation of {sizes.trainings} trainings on {len(train)} jets of "
            f"top pairs, tested on {len(test)} others. The grey curves of the AUC are means of all "
            "trainings and end with the shortest.",
            "Jets of heavy mediators are harder than any of top pairs: at equal pT, signal jets "
            "count whose pT background reaches, a share that stands below the table. Beside "
            f"DarkCLR, signals stand at equal pT of which that is at least {_ENOUGH:.0%}.",
            "Of the yardsticks (*), hard jets and jets of few constituents count as anomalous.",
        ],
        not_run=[
            "event selection of CMS, trigger, pile-up and GEANT4",
            "matching of MadGraph and Pythia; production of single mediators",
            "whether the error of the signal is stable where positive and negative energies are "
            "equal: the report does not say within what",
        ],
    )


def _map(
    areas: Sequence[Mapping[str, tuple[float, float]]], sizes: Sizes, column: int
) -> list[list[FigureOfMerit]]:
    """AUC by mass and invisible share."""
    of = {name: [area[name][column] for area in areas] for name in grid(sizes)}
    values = iter(spread([auc for auc in aucs if np.isfinite(auc)]) for aucs in of.values())
    return [[next(values) for _ in sizes.shares] for _ in sizes.masses]


def _table(maps: Mapping[str, Sequence[AucMap]], sizes: Sizes, column: int) -> list[dict[str, str]]:
    return [
        {"score": title, "mediator [TeV]": f"{mass / 1000:g}"}
        | {f"r_inv {share:g}": str(one) for share, one in zip(sizes.shares, row, strict=True)}
        for title, both in maps.items()
        for mass, row in zip(sizes.masses, both[column], strict=True)
    ]


def _shares(compared: Mapping[str, float], sizes: Sizes) -> list[dict[str, str]]:
    """Signal jets whose pT background reaches, in the form of :func:`_table`."""
    values = iter(compared.values())
    return [
        {"score": "signal jets compared", "mediator [TeV]": f"{mass / 1000:g}"}
        | {f"r_inv {share:g}": f"{next(values):.0%}" for share in sizes.shares}
        for mass in sizes.masses
    ]


def _beside(material: Material, compared: Mapping[str, float]) -> dict[str, list[dict[str, str]]]:
    """The same autoencoders and DarkCLR on the same jets; at equal pT where that can be had."""
    words = {
        "cms-top": "top pairs and t-channel signals of CMS",
        "cms-qcd": "QCD and Aachen of DarkCLR",
    }
    return {
        f"beside DarkCLR, {words[name]}, {column} (AUC / rejection)": rows_of(
            material.ensemble(name).table(),
            [
                signal
                for signal in material.ensemble(name).config.signals
                if column == COLUMNS[0] or compared.get(signal, 1.0) >= _ENOUGH
            ],
            column=column,
        )
        for name in words
        for column in COLUMNS
    }


def _numbers(found: Mapping[str, Sequence[Fit]], shown: str) -> dict[str, Any]:
    """What the picture shows of all trainings, and the whole history of the one it shows."""
    signals = list(found["ae_cms"][0].auc)
    columns = {"epoch", "background_energy", f"{shown}_energy", "validation_negative_energy"}
    columns |= {column for column, _ in _DISTANCES.values()}

    return {
        name: [
            {
                "epoch_chosen": int(fit.history["epoch"][fit.chosen]),
                "auc": {signal: _plain(auc, 17) for signal, auc in fit.auc.items()},
                "energy": {signal or "background": e for signal, e in fit.energy.items()},
                "mean_auc": _plain(fit.mean_auc(signals)),
                "from_chosen": {
                    column: _plain(from_chosen(fit.history[column], fit.chosen))
                    for column in _FOLLOWED
                    if column in fit.history
                },
                "history": {
                    column: _plain(values)
                    for column, values in fit.history.items()
                    if fit is of[0] and (column in columns or column.endswith("_auc"))
                },
            }
            for fit in of
        ]
        for name, of in found.items()
    }


def _plain(values: Iterable[float], digits: int = 4) -> list[float | None]:
    """For a document, which has no NaN."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values]


def _jobs(scale: Scale, cores: int) -> list[Job]:
    sizes = SIZES[scale.name]
    epoch = sizes.background / 20_000  # of the measured seconds
    seconds = {"ae_cms": 0.15, "nae_cms": 0.8, "wnae_cms": 1.3}
    epochs = {"ae_cms": 700, "nae_cms": 300, "wnae_cms": 150}
    return [
        Job(f"{name} with signals watched",
            epoch / cores * seconds[name] * sizes.options.get(name, {}).get("epochs", epochs[name]),
            sizes.trainings)
        for name in AUTOENCODERS
    ]  # fmt: skip


STUDY = Study(
    name="cms",
    title="Autoencoders of CMS on observables of jets from top pairs, with and without chains",
    source="CMS, EPS-HEP 2023, Figs. 1 and 3; WNAE: CMS-MLG-24-002",
    needs="top pairs, a grid of t-channel signals, ten trainings of each autoencoder",
    trainings=trainings,
    measure=_measure,
    jobs=_jobs,
)
