"""Figs. 6.3 and 6.6 and Table 6.1 of the thesis: the most important feature, and ranges.

It is the feature that the autoencoder reconstructs worst, on average over background (thesis,
section 4.4.1).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from darkclr.anomaly.detectors.autoencoder import Reconstruction
from darkclr.anomaly.fitted import FittedScore
from darkclr.evaluation.metrics import auc
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import scored_rows, spread
from darkclr.studies.reproduction.scales import robustness
from darkclr.studies.reproduction.study import Material, Result, Study

_SHOWN = 3  # encoders

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

    ensemble = material.ensemble("robustness")
    (own, *_) = ensemble.repetitions
    panels: dict[str, dict[str, NDArray]] = {}
    rows, found = [], []
    for e in own.encoder_numbers:
        of = scored_rows(ensemble, own.model(e))
        z = {name: of[name].z for name in ("qcd", "aachen")}
        score = FittedScore.load(own.folder(e, 1) / "scores" / "nae")
        assert isinstance(score.detector, Reconstruction)
        error = feature_errors(score.detector, z["qcd"])
        best = int(np.argmax(error))
        values = {name: of_sample[:, best] for name, of_sample in z.items()}
        label = np.repeat([0, 1], [len(values["qcd"]), len(values["aachen"])])
        apart = auc(label, np.concatenate(list(values.values())))
        extent = np.ptp(z["qcd"], axis=0)
        alike = np.abs(np.asarray(np.corrcoef(z["qcd"], rowvar=False))[best])
        low, high = (f(np.concatenate(list(z.values()))) for f in (np.min, np.max))
        found.append(
            {
                "feature": best,
                "auc": max(apart, 1 - apart),
                "lowest": float(low),
                "highest": float(high),
                "correlation_of_importance_and_range": float(spearmanr(error, extent)[0]),
                "mean_correlation_with_others": float(np.nanmean(np.delete(alike, best))),
            }
        )
        rows.append(
            {
                "encoder": str(e),
                "most important feature": str(best),
                "its AUC, either side": f"{max(apart, 1 - apart):.3f}",
                "lowest value of any": f"{low:.3g}",
                "highest": f"{high:.3g}",
            }
        )
        if len(panels) < _SHOWN:
            named = {"QCD": values["qcd"], "Aachen": values["aachen"]}
            panels[f"encoder {e}, feature {best}"] = named

    def over(name: str) -> FigureOfMerit:
        return spread([one[name] for one in found])

    return Result(
        figure=densities_figure(panels, x=["value of the feature"] * len(panels)),
        claims=[
            compare(
                "QCD and Aachen overlap in the most important feature, but differ",
                {"AUC, either side, and 0.55": (over("auc"), FigureOfMerit(0.55, None))},
                reason="the worst reconstructed feature need not be one that tells signal apart",
            ),
            compare(
                "The importance of a feature goes with its range",
                {
                    "rank correlation, and 0": (
                        over("correlation_of_importance_and_range"),
                        FigureOfMerit(0.0, None),
                    )
                },
                reason="all features have the same range",
            ),
            compare(
                "In the minimal setup features differ in shape rather than in sign and size alone",
                {
                    "0.9 and the mean correlation with other features": (
                        FigureOfMerit(0.9, None),
                        over("mean_correlation_with_others"),
                    )
                },
                reason="the features are copies of one",
            ),
        ],
        tables={"features of z, QCD and Aachen": rows},
        numbers={"encoders": found},
        remarks=[
            "Ranges of the thesis (Table 6.1: −0.31 to 0.31 where the training converges; Fig. "
            "6.6: −310 to 300 in the minimal setup) belong to trainings without norm penalty, "
            "which sets the scale of z here; ranges by p_drop are in thesis-pdrop."
        ],
    )


STUDY = Study(
    name="thesis-features",
    title="The feature of z that the autoencoder reconstructs worst, and the range of all features",
    source="thesis, Figs. 6.3 and 6.6, Table 6.1",
    needs="encoders and s_NAE of the ensemble of five signals",
    trainings=lambda scale: {"robustness": robustness(scale)},
    measure=_measure,
    published=("thesis_table6_1", "thesis_fig6_6"),
)
