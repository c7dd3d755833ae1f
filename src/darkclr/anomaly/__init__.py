"""Representations, or jets -> anomaly scores.

Every score is a scikit-learn estimator with ``fit(X)`` on background and ``score_samples(X)``.
**Higher = more anomalous** here, everywhere in darkclr; scikit-learn's own detectors have the
opposite sign. Scores are called by name through :data:`SCORES` and :func:`fit_score`.
"""

from typing import TYPE_CHECKING

from darkclr.lazy_names import lazy_names

if TYPE_CHECKING:
    from darkclr.anomaly.catalogue import SCORES, Score
    from darkclr.anomaly.definition import ScoreDefinition, define_score
    from darkclr.anomaly.detector import Detector
    from darkclr.anomaly.detectors.autoencoder import Autoencoder
    from darkclr.anomaly.detectors.combination import Combination
    from darkclr.anomaly.detectors.dirichlet import DirichletVAE
    from darkclr.anomaly.detectors.discriminant import Discriminant
    from darkclr.anomaly.detectors.external import External
    from darkclr.anomaly.detectors.flow import Flow
    from darkclr.anomaly.detectors.gaussian import GaussianMixture, Mahalanobis
    from darkclr.anomaly.detectors.images import ImageAutoencoder
    from darkclr.anomaly.detectors.neighbours import NearestNeighbours
    from darkclr.anomaly.detectors.norm import Column, Norm
    from darkclr.anomaly.fitted import FittedScore
    from darkclr.anomaly.fitting import fit_score, fit_scores
    from darkclr.anomaly.inputs import ScoreInputs
    from darkclr.anomaly.nae.images import ImageNormalizedAutoencoder
    from darkclr.anomaly.nae.langevin import Chain, langevin
    from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder

__all__ = [
    "SCORES",
    "Autoencoder",
    "Chain",
    "Column",
    "Combination",
    "Detector",
    "DirichletVAE",
    "Discriminant",
    "External",
    "FittedScore",
    "Flow",
    "GaussianMixture",
    "ImageAutoencoder",
    "ImageNormalizedAutoencoder",
    "Mahalanobis",
    "NearestNeighbours",
    "Norm",
    "NormalizedAutoencoder",
    "Score",
    "ScoreDefinition",
    "ScoreInputs",
    "define_score",
    "fit_score",
    "fit_scores",
    "langevin",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Autoencoder": "darkclr.anomaly.detectors.autoencoder",
        "Chain": "darkclr.anomaly.nae.langevin",
        "Column": "darkclr.anomaly.detectors.norm",
        "Combination": "darkclr.anomaly.detectors.combination",
        "Detector": "darkclr.anomaly.detector",
        "DirichletVAE": "darkclr.anomaly.detectors.dirichlet",
        "Discriminant": "darkclr.anomaly.detectors.discriminant",
        "External": "darkclr.anomaly.detectors.external",
        "FittedScore": "darkclr.anomaly.fitted",
        "Flow": "darkclr.anomaly.detectors.flow",
        "GaussianMixture": "darkclr.anomaly.detectors.gaussian",
        "ImageAutoencoder": "darkclr.anomaly.detectors.images",
        "ImageNormalizedAutoencoder": "darkclr.anomaly.nae.images",
        "Mahalanobis": "darkclr.anomaly.detectors.gaussian",
        "NearestNeighbours": "darkclr.anomaly.detectors.neighbours",
        "Norm": "darkclr.anomaly.detectors.norm",
        "NormalizedAutoencoder": "darkclr.anomaly.nae.normalized_autoencoder",
        "SCORES": "darkclr.anomaly.catalogue",
        "Score": "darkclr.anomaly.catalogue",
        "ScoreDefinition": "darkclr.anomaly.definition",
        "ScoreInputs": "darkclr.anomaly.inputs",
        "define_score": "darkclr.anomaly.definition",
        "fit_score": "darkclr.anomaly.fitting",
        "fit_scores": "darkclr.anomaly.fitting",
        "langevin": "darkclr.anomaly.nae.langevin",
    },
)
