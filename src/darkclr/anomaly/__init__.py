"""Representations -> anomaly scores.

Every score is a scikit-learn estimator with ``fit(X)`` on background and ``score_samples(X)``.
**Higher = more anomalous** here, everywhere in darkclr; scikit-learn's own detectors have the
opposite sign. Scores are called by name through :data:`SCORES` and :func:`fit_score`.
"""

from darkclr.anomaly.autoencoder import Autoencoder
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.discriminant import Discriminant
from darkclr.anomaly.langevin import Chain, langevin
from darkclr.anomaly.norm import Column, Norm
from darkclr.anomaly.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.registry import SCORES, FittedScore, Score, fit_score

__all__ = [
    "SCORES",
    "Autoencoder",
    "Chain",
    "Column",
    "Detector",
    "Discriminant",
    "FittedScore",
    "Norm",
    "NormalizedAutoencoder",
    "Score",
    "fit_score",
    "langevin",
]
