"""Fig. 4.2 of the thesis: the number of constituents of jets and of their dropped copies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from darkclr.augmentations import ConstituentDrop
from darkclr.evaluation.metrics import auc
from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.scales import USUAL, usual
from darkclr.studies.reproduction.study import Material, Result, Study

_SHOWN = 0.3  # in the figure
_DROPS = (0.1, _SHOWN, 0.5, 0.7)


def _measure(material: Material) -> Result:
    from darkclr.report.figures.distributions import constituents_figure

    run = material.ensemble(USUAL).run
    qcd, aachen = (
        run.jets(name).constituents.hardest(N_CONSTITUENTS) for name in ("qcd", "aachen")
    )
    samples = {"QCD": qcd.lengths, "Aachen": aachen.lengths} | {
        _copies(p): ConstituentDrop(p)(qcd, qcd, np.random.default_rng(0)).lengths for p in _DROPS
    }
    apart = {name: _apart(lengths, aachen.lengths) for name, lengths in samples.items()}
    drawn = {name: (lengths, np.ones(len(lengths))) for name, lengths in samples.items()}
    return Result(
        figure=constituents_figure(
            drawn["QCD"], drawn[_copies(_SHOWN)], {"Aachen": drawn["Aachen"]}, "QCD"
        ),
        claims=[
            compare(
                "Dropped copies mimic the signal: by their number of constituents, copies with "
                f"p_drop = {_SHOWN:g} are harder to tell from Aachen than QCD jets are",
                {"AUC off 0.5": (_off(apart["QCD"]), _off(apart[_copies(_SHOWN)]))},
                reason="the signal loses fewer constituents, or more, than the copies do",
            ),
        ],
        tables={
            f"number of constituents of the {N_CONSTITUENTS} that the encoder reads": [
                {
                    "jets": name,
                    "mean number of constituents": f"{lengths.mean():.1f}",
                    "AUC by which Aachen has fewer *": str(apart[name]),
                }
                for name, lengths in samples.items()
            ],
        },
        numbers={
            name: {
                "share of jets by number of constituents": (
                    np.bincount(lengths, minlength=N_CONSTITUENTS + 1) / len(lengths)
                ).tolist(),
                "AUC by which Aachen has fewer": [apart[name].value, apart[name].error],
            }
            for name, lengths in samples.items()
        },
        remarks=[
            f"The picture has p_drop = {_SHOWN:g}; jets of more than {N_CONSTITUENTS} constituents "
            f"stand at {N_CONSTITUENTS}."
        ],
    )


def _copies(p_drop: float) -> str:
    return f"QCD, copies with p_drop = {p_drop:g}"


def _apart(many: NDArray[np.integer], few: NDArray[np.integer]) -> FigureOfMerit:
    """AUC by which the second jets have fewer constituents, with the largest error it may have."""
    found = auc(np.repeat([0, 1], [len(many), len(few)]), -np.concatenate([many, few]))
    return FigureOfMerit(found, math.sqrt(found * (1 - found) / min(len(many), len(few))))


def _off(found: FigureOfMerit) -> FigureOfMerit:
    """How far an AUC is from that of samples that are alike."""
    assert found.value is not None
    return FigureOfMerit(abs(found.value - 0.5), found.error)


STUDY = Study(
    name="thesis-dropping",
    title="Number of constituents of QCD jets, of their dropped copies, and of the signal",
    source="thesis, Fig. 4.2",
    needs="jets of QCD and of Aachen",
    trainings=lambda scale: {USUAL: usual(scale)},
    measure=_measure,
    trains=False,
)
