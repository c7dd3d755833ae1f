"""Fig. 1: a jet and its views, and what dropping does to it."""

from __future__ import annotations

import numpy as np

from darkclr.augmentations import ConstituentDrop, recentre
from darkclr.augmentations.physical import Rotation, Translation
from darkclr.evaluation.metrics import auc
from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.kinematics import four_vector_sum
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.scales import USUAL, usual
from darkclr.studies.reproduction.study import Material, Result, Study

_SAME = 0.01
_DROPS = (0.3, 0.5)  # those of the figure


def _measure(material: Material) -> Result:
    from darkclr.report.figures.jets import augmentations_figure, typical_jets

    jets = material.ensemble(USUAL).run.jets("qcd")
    original = recentre(jets.constituents.hardest(N_CONSTITUENTS))
    before = _transverse(original)
    claims, rows, numbers = [], [], {}
    for p_drop in _DROPS:
        copies = ConstituentDrop(p_drop)(original, original, np.random.default_rng(0))
        lost = 1 - copies.lengths / original.lengths
        scalar = np.abs(
            np.add.reduceat(copies.pt.astype(float), copies.offsets[:-1])
            / np.add.reduceat(original.pt.astype(float), original.offsets[:-1])
            - 1
        )
        vector = jets.pt * _transverse(copies) / before
        outside = float(np.mean((vector < 150) | (vector > 300)))
        own = float(np.mean((jets.pt < 150) | (jets.pt > 300)))
        apart = auc(np.repeat([0, 1], len(jets)), np.concatenate([jets.pt, vector]))
        numbers[f"p_drop {p_drop:g}"] = {
            "AUC of pT between jets and copies": apart,
            "share of constituents lost": float(lost.mean()),
            "largest relative change of the scalar sum of pT": float(scalar.max()),
            "share of copies outside of 150 to 300 GeV": outside,
        }
        rows.append(
            {
                "p_drop": f"{p_drop:g}",
                "constituents lost": f"{lost.mean():.3f}",
                "scalar sum of pT changes by at most": f"{scalar.max():.1e}",
                "copies outside of 150 to 300 GeV": f"{100 * outside:.2f} %",
                "AUC of pT between jets and copies": f"{apart:.3f}",
            }
        )
        error = float(lost.std() / np.sqrt(len(lost)))
        of_equal = (6 * len(jets)) ** -0.5  # of the AUC of samples that are alike
        allowed = FigureOfMerit(0.02, None)
        claims += [
            compare(
                f"A share p_drop = {p_drop:g} of the constituents is lost, within 0.02",
                {"0.02 and its distance from p_drop": (allowed, FigureOfMerit(
                    float(abs(lost.mean() - p_drop)), error))},
                reason="a jet keeps at least one constituent",
                ours=True,
            ),
            compare(
                f"A training cannot tell copies by their pT: AUC within {_SAME} of 0.5 (p_drop = "
                f"{p_drop:g})",
                {f"{_SAME} and the distance": (
                    FigureOfMerit(_SAME, None), FigureOfMerit(abs(apart - 0.5), of_equal))},
                reason="the scalar sum is kept, and the vector sum of broad jets changes",
            ),
            compare(
                f"Rescaled copies fulfil the cuts on jet pT, all but 0.1 % (p_drop = {p_drop:g})",
                {"0.001 and the share outside": (FigureOfMerit(0.001, None), FigureOfMerit(
                    max(outside - own, 0.0), (outside / len(lost)) ** 0.5))},
                reason="the scalar sum of the constituents' pT is kept, as in the public code; "
                "jet pT is that of the vector sum, which changes where the jet is broad",
            ),
        ]  # fmt: skip
    shown = {
        "rotated": Rotation(),
        "translated": Translation(),
        **{f"p_drop = {p:g}": ConstituentDrop(p) for p in _DROPS},
    }
    return Result(
        figure=augmentations_figure(typical_jets(jets), shown),
        claims=claims,
        tables={f"{len(jets)} QCD jets and their dropped copies": rows},
        numbers=numbers,
    )


def _transverse(constituents) -> np.ndarray:
    """pT of the vector sum of massless constituents."""
    c = constituents
    return four_vector_sum(c.pt, c.eta, c.phi, c.offsets)[0]


STUDY = Study(
    name="fig1",
    title="Jets after each augmentation, and what becomes of the pT of dropped copies",
    source="DarkCLR, Fig. 1",
    needs="QCD jets",
    trainings=lambda scale: {USUAL: usual(scale)},
    measure=_measure,
    trains=False,
)
