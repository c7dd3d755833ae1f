"""Representations, or jets -> anomaly scores.

Every score is a scikit-learn estimator with ``fit(X)`` on background and ``score_samples(X)``.
**Higher = more anomalous** here, everywhere in darkclr; scikit-learn's own detectors have the
opposite sign. Scores are called by name through :data:`SCORES` and :func:`fit_score`.
"""

from darkclr.anomaly.autoencoder import Autoencoder
from darkclr.anomaly.combination import Combination
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.dirichlet import DirichletVAE
from darkclr.anomaly.discriminant import Discriminant
from darkclr.anomaly.external import External
from darkclr.anomaly.fitted import FittedScore, fit_score
from darkclr.anomaly.flow import Flow
from darkclr.anomaly.gaussian import GaussianMixture, Mahalanobis
from darkclr.anomaly.jet_images import ImageAutoencoder, ImageNormalizedAutoencoder
from darkclr.anomaly.langevin import Chain, langevin
from darkclr.anomaly.neighbours import NearestNeighbours
from darkclr.anomaly.norm import Column, Norm
from darkclr.anomaly.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.registry import SCORES, Score

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
    "fit_score",
    "langevin",
]
