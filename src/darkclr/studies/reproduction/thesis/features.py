"""Figs. 6.3 and 6.6 and Table 6.1 of the thesis: the most important feature, and ranges.

It is the feature that the autoencoder reconstructs worst on average. The thesis averages over "the
whole dataset" (section 4.4.1); here that is background, since no signal takes part in any choice.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import ks_2samp, spearmanr

from darkclr.anomaly.detectors.autoencoder import Reconstruction
from darkclr.anomaly.fitted import FittedScore
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import scored_rows, spread
from darkclr.studies.reproduction.scales import both_setups
from darkclr.studies.reproduction.study import Material, Result, Study

_SETUPS = ("multiplicity", "minimal")
_SHOWN = 3  # features

__all__ = ["feature_errors"]


def feature_errors(autoencoder: Reconstruction, z: NDArray) -> NDArray[np.float64]:
    """Mean squared reconstruction error of each feature of z, (d,)."""
    x = torch.as_tensor(z / autoencoder.scale_, dtype=torch.float32)
    network = autoencoder.network_
    with torch.no_grad():
        residual = x - network.decode(network.encode(x))
    return residual.double().square().mean(dim=0).numpy()


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import densities_figure

    panels: dict[str, dict[str, NDArray]] = {}
    rows: list[dict[str, str]] = []
    found: dict[str, list[dict[str, float]]] = {}
    for setup in _SETUPS:
        ensemble = material.ensemble(f"{setup}-0.5")
        (own, *_) = ensemble.repetitions
        for e in own.encoder_numbers:
            of = scored_rows(ensemble, own.model(e))
            z = {name: of[name].z for name in ("qcd", "aachen")}
            score = FittedScore.load(own.folder(e, 1) / "scores" / "nae_thesis")
            assert isinstance(score.detector, Reconstruction)
            error = feature_errors(score.detector, z["qcd"])
            important = np.argsort(-error)
            best = int(important[0])
            alike = np.abs(np.asarray(np.corrcoef(z["qcd"], rowvar=False))[best])
            low, high = (float(f(np.concatenate(list(z.values())))) for f in (np.min, np.max))
            one = {
                "feature": float(best),
                "distance": float(ks_2samp(z["qcd"][:, best], z["aachen"][:, best]).statistic),
                "lowest": low,
                "highest": high,
                "range": high - low,
                "correlation_of_importance_and_range": float(
                    spearmanr(error, np.ptp(z["qcd"], axis=0))[0]
                ),
                "mean_correlation_with_others": float(np.nanmean(np.delete(alike, best))),
            }
            found.setdefault(setup, []).append(one)
            rows.append(
                {
                    "setup": setup,
                    "encoder": str(e),
                    "most important feature": str(best),
                    "largest distance of QCD and Aachen (KS)": f"{one['distance']:.3f}",
                    "lowest value of any feature": f"{low:.3g}",
                    "highest": f"{high:.3g}",
                    "mean correlation with the others": (
                        f"{one['mean_correlation_with_others']:.3f}"
                    ),
                }
            )
            for place, feature in enumerate(important[:_SHOWN] if e == 1 else (), 1):
                panels[f"{setup}, p_drop 0.5: {place}. feature ({feature})"] = {
                    "QCD": z["qcd"][:, feature], "Aachen": z["aachen"][:, feature],
                }  # fmt: skip

    def over(setup: str, name: str) -> FigureOfMerit:
        return spread([one[name] for one in found[setup]])

    def constant(value: float) -> FigureOfMerit:
        return FigureOfMerit(value, None)

    return Result(
        figure=densities_figure(
            panels, x=["value of the feature, by importance"] * len(panels), columns=_SHOWN
        ),
        claims=[
            compare(
                "In the multiplicity setup QCD and Aachen overlap in the most important feature, "
                "but differ: the largest distance of their distributions is between 0.1 and 0.9",
                {"distance and 0.1": (over("multiplicity", "distance"), constant(0.1)),
                 "0.9 and distance": (constant(0.9), over("multiplicity", "distance"))},
                reason="the training is short",
            ),
            compare(
                "In the multiplicity setup features differ in sign and size alone: they are "
                "correlated by more than 0.9",
                {"mean correlation, and 0.9": (
                    over("multiplicity", "mean_correlation_with_others"), constant(0.9))},
                reason="the training is too short to collapse",
            ),
            compare(
                "In the minimal setup features differ in shape, too: they are correlated by less",
                {"0.9 and mean correlation": (
                    constant(0.9), over("minimal", "mean_correlation_with_others"))},
                reason="the features are copies of one in both",
            ),
            compare(
                "In the minimal setup the importance of a feature goes with its range",
                {"rank correlation, and 0": (
                    over("minimal", "correlation_of_importance_and_range"), constant(0.0))},
                reason="all features have the same range",
            ),
            compare(
                "Features have a larger range in the minimal setup",
                {"range": (over("minimal", "range"), over("multiplicity", "range"))},
                reason="the training is too short for the norm to run away",
            ),
        ],
        tables={"features of z, QCD and Aachen": rows},
        numbers=found,
        remarks=[
            "The thesis has −0.31 to 0.31 in the multiplicity setup (Table 6.1) and −310 to 300 in "
            "the minimal one (Fig. 6.6); ranges by p_drop are in thesis-pdrop."
        ],
    )  # fmt: skip


STUDY = Study(
    name="thesis-features",
    title="Features of z that the autoencoder reconstructs worst, and the range of all features",
    source="thesis, Figs. 6.3 and 6.6, Table 6.1",
    needs="a training of each setup at p_drop 0.5, and its autoencoder",
    trainings=both_setups,
    measure=_measure,
    published=("thesis_table6_1", "thesis_fig6_6"),
)
