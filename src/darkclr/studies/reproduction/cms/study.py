"""Figs. 1 and 3 of the report of CMS, and the WNAE beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import Jets
from darkclr.reporter import Reporter
from darkclr.studies.duration import Job
from darkclr.studies.reproduction.claims import CONFIRMED, NOT_CONFIRMED, Claim, compare
from darkclr.studies.reproduction.cms.fits import Columns, Fit, equal_pt, fits
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

__all__ = ["measured"]

#: An energy of signal is that of background if it is larger by no more than this share.
_SAME = 0.1
#: Share of a signal's jets whose pT background must reach for a column at equal pT.
_ENOUGH = 0.95
#: A best epoch is one that no other epoch surpasses by more, in AUC: the largest of many epochs
#: that fluctuate is above their mean for no merit.
_AS_GOOD = 0.02


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
    panels = {
        AUTOENCODERS[name]: Panel.of(
            [fit.history for fit in of],
            of[0].chosen,
            [fit.mean_auc(names) for fit in of],
            shown,
            _DISTANCES[name],
            _map(of, sizes, 0),
        )
        for name, of in found.items()
    }
    return Result(
        figure=autoencoders_figure(panels, masses=sizes.masses, shares=sizes.shares),
        claims=_claims(found, names, shown),
        tables={
            f"AUC of {sizes.trainings} trainings, {column}": _table(found, sizes, i)
            + (_shares(compared, sizes) if i else [])
            for i, column in enumerate(COLUMNS)
        },
        numbers=_numbers(found, shown) | {"compared_at_equal_pt": compared},
        remarks=[
            f"The benchmark is {shown} (mediator mass in GeV, invisible share). Signals are scored "
            "each epoch for the picture only: nothing that is kept depends on them.",
            f"Mean and standard deviation of {sizes.trainings} trainings on {len(train)} jets of "
            f"top pairs, tested on {len(test)} others.",
            "Jets of heavy mediators are harder than any of top pairs: at equal pT, signal jets "
            "count whose pT background reaches, a share that stands below the table. Beside "
            f"DarkCLR, signals stand at equal pT of which that is at least {_ENOUGH:.0%}.",
        ],
        not_run=[
            "event selection of CMS, trigger, pile-up and GEANT4",
            "matching of MadGraph and Pythia; production of single mediators",
        ],
    )


def _claims(found: Mapping[str, Sequence[Fit]], signals: Sequence[str], shown: str) -> list[Claim]:
    auc = {
        name: [
            spread([float(np.nanmean([a[i] for a in f.auc.values()])) for f in of]) for i in (0, 1)
        ]
        for name, of in found.items()
    }
    ratio = {
        name: spread([f.energy[shown] / f.energy[""] for f in of]) for name, of in found.items()
    }
    largest = spread([float(np.nanmax(f.mean_auc(signals))) for f in found["ae_cms"]])
    claims = [
        compare(
            "At the smallest validation error of the autoencoder, the reconstruction error of the "
            f"signal has fallen to that of the background, within {_SAME:.0%}",
            {f"{1 + _SAME:g} and signal over background": (
                FigureOfMerit(1 + _SAME, None), ratio["ae_cms"])},
            reason="other jets than those of CMS, and a network of other activations; "
            f"{sum(f.energy[shown] / f.energy[''] <= 1 + _SAME for f in found['ae_cms'])} of "
            f"{len(found['ae_cms'])} trainings fulfil it",
        ),
        compare(
            "The autoencoder was better at an earlier epoch than at its smallest validation error",
            {"AUC averaged over signals": (largest, auc["ae_cms"][0])},
            reason="it does not learn to reconstruct the signals",
            ours=True,
        ),
    ]  # fmt: skip
    for name in ("nae_cms", "wnae_cms"):
        title = AUTOENCODERS[name]
        claims += [
            compare(
                f"Normalisation keeps the signal's error above the background's ({title})",
                {"signal over background, and 1": (ratio[name], FigureOfMerit(1.0, None))},
                reason="other jets than those of CMS",
            ),
            *(
                compare(
                    f"The {title} finds the signals better than the autoencoder, {column}",
                    {"AUC averaged over signals": (auc[name][i], auc["ae_cms"][i])},
                    reason="other jets than those of CMS",
                    ours=i > 0,
                )
                for i, column in enumerate(COLUMNS)
            ),
            _best_epoch(title, found[name], signals),
        ]
    return claims


def _best_epoch(title: str, found: Sequence[Fit], signals: Sequence[str]) -> Claim:
    """Whether the epoch before the rise, or of the smallest distance, is the best one."""
    lost: list[float] = []
    for fit in found:
        curve = fit.mean_auc(signals)
        lost.append(float(np.nanmax(curve) - curve[fit.chosen]))
    of = spread(lost)
    best = (of.value or 0.0) <= _AS_GOOD
    return Claim(
        f"No epoch of the {title} is better by {_AS_GOOD} than the one that is chosen without "
        "signal",
        CONFIRMED if best else NOT_CONFIRMED,
        f"the best epoch has an average AUC that is larger by {of}",
        None if best else "the AUC still changes where the distance does not",
        ours=True,
    )


def _map(found: Sequence[Fit], sizes: Sizes, column: int) -> list[list[FigureOfMerit]]:
    """AUC by mass and invisible share."""
    of = {name: [fit.auc[name][column] for fit in found] for name in grid(sizes)}
    values = iter(spread([auc for auc in aucs if np.isfinite(auc)]) for aucs in of.values())
    return [[next(values) for _ in sizes.shares] for _ in sizes.masses]


def _table(found: Mapping[str, Sequence[Fit]], sizes: Sizes, column: int) -> list[dict[str, str]]:
    return [
        {"score": title, "mediator [TeV]": f"{mass / 1000:g}"}
        | {f"r_inv {share:g}": str(one) for share, one in zip(sizes.shares, row, strict=True)}
        for name, title in AUTOENCODERS.items()
        for mass, row in zip(sizes.masses, _map(found[name], sizes, column), strict=True)
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

    def plain(values: Any, digits: int = 4) -> list[float | None]:
        return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values]

    return {
        name: [
            {
                "epoch_chosen": int(fit.history["epoch"][fit.chosen]),
                "auc": {signal: plain(auc, 17) for signal, auc in fit.auc.items()},
                "energy": {signal or "background": e for signal, e in fit.energy.items()},
                "mean_auc": plain(fit.mean_auc(signals)),
                "history": {
                    column: plain(values)
                    for column, values in fit.history.items()
                    if fit is of[0] and (column in columns or column.endswith("_auc"))
                },
            }
            for fit in of
        ]
        for name, of in found.items()
    }


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
