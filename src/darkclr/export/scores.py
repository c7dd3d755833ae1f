"""Fitted scores as functions of tensors, in operations that ONNX has."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from darkclr.anomaly.catalogue import SCORES, Score
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.detectors.autoencoder import Autoencoder
from darkclr.anomaly.detectors.combination import Combination
from darkclr.anomaly.detectors.dirichlet import DirichletVAE
from darkclr.anomaly.detectors.discriminant import Discriminant
from darkclr.anomaly.detectors.flow import Flow
from darkclr.anomaly.detectors.gaussian import GaussianMixture, Mahalanobis, Whitening
from darkclr.anomaly.detectors.neighbours import NearestNeighbours
from darkclr.anomaly.detectors.norm import Column, Norm
from darkclr.anomaly.inputs import Part, find_features
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.working_points import Calibration
from darkclr.errors import ConfigError
from darkclr.export.tensors import constant, norm, rank

__all__ = ["EXPORTABLE", "as_function", "is_exportable", "p_value"]

#: (n, d) -> (n,): what ``score_samples`` of a detector does.
TensorScore: TypeAlias = Callable[[Tensor], Tensor]


@singledispatch
def as_function(detector: Detector) -> TensorScore:
    """``score_samples`` of a fitted detector as a function of a tensor of features.

    Raises:
        ConfigError: there is none for this class.
    """
    raise ConfigError(f"{type(detector).__name__} cannot be written as ONNX")


@as_function.register
def _(detector: Norm) -> TensorScore:
    return norm


@as_function.register
def _(detector: Column) -> TensorScore:
    return lambda x: detector.sign * x.flatten()


@as_function.register
def _(detector: Discriminant) -> TensorScore:
    direction = constant(detector.coef_)
    return lambda x: x.double() @ direction + detector.intercept_


@as_function.register(Autoencoder)
@as_function.register(NormalizedAutoencoder)
def _(detector: Autoencoder) -> TensorScore:
    network = detector.network_.cpu().eval()
    return lambda x: network.energy(x / detector.scale_)


@as_function.register
def _(detector: NearestNeighbours) -> TensorScore:
    rows = torch.from_numpy(np.array(detector.rows_))
    center = rows.mean(dim=0)
    near = rows - center
    squares = near.square().sum(dim=1)
    k = detector.n_neighbors

    def distance(x: Tensor) -> Tensor:
        # The product rounds: it only chooses the rows whose distances are then computed.
        order = squares - 2 * (x - center) @ near.T
        rows_near = order.topk(min(2 * k, len(rows)), largest=False).indices
        distances = norm(rows[rows_near] - x[:, None]).topk(k, largest=False).values
        return distances.mean(dim=1) if detector.average else distances.amax(dim=1)

    return distance


@as_function.register
def _(detector: Mahalanobis) -> TensorScore:
    whitened = _whitening(detector)
    return lambda x: norm(whitened(x))


@as_function.register
def _(detector: GaussianMixture) -> TensorScore:
    whitened = _whitening(detector)
    mixture = detector.mixture_
    means = mixture.means_
    n, d = means.shape
    factors = mixture.precisions_cholesky_
    if mixture.covariance_type == "diag":
        factors = factors[:, :, None] * np.eye(d)
    factors = np.broadcast_to(factors, (n, d, d))
    shift = constant(means[:, None, :] @ factors)  # (n, 1, d)
    volume = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    height = constant(np.log(mixture.weights_) + volume - d / 2 * np.log(2 * np.pi))
    directions = constant(factors)

    def energy(x: Tensor) -> Tensor:
        squares = (whitened(x) @ directions - shift).square().sum(dim=-1)  # (n_mixture, n)
        return -(height[:, None] - squares / 2).logsumexp(dim=0)

    return energy


@as_function.register
def _(detector: DirichletVAE) -> TensorScore:
    whitened = _whitening(detector)
    detector.network_.cpu().eval()
    return lambda x: detector.energy(whitened(x).float())


@as_function.register
def _(detector: Flow) -> TensorScore:
    whitened, floor = _whitening(detector), constant(detector.floor_)
    detector.network_.cpu().eval()
    logarithm = detector.logarithm
    return lambda x: detector.energy(
        whitened(x.double().maximum(floor).log() if logarithm else x).float()
    )


@as_function.register
def _(detector: Combination) -> TensorScore:
    members = [
        (constant(values), constant(-np.log(survival)))
        for values, survival in zip(detector.values_, detector.survival_, strict=True)
    ]

    def combined(x: Tensor) -> Tensor:
        surprise = torch.stack(
            [s[rank(values, x[:, i])] for i, (values, s) in enumerate(members)], dim=1
        )
        return surprise.sum(dim=1) if detector.method == "fisher" else surprise.amax(dim=1)

    return combined


def p_value(calibration: Calibration) -> TensorScore:
    """The p-value of a jet from its score, as a function of tensors (n,)."""
    values = constant(calibration.score)
    shares = constant([*calibration.p_values, calibration.beyond])
    return lambda score: shares[rank(values, score)]


def is_exportable(entry: Score, part: Part) -> bool:
    """Whether ONNX has what an entry of the catalogue computes of that part of its inputs."""
    # Classes derived from these may compute something else.
    return part != "jets" and entry.detector in as_function.registry


#: Entries of the catalogue that can be exported, as long as they read no observables.
EXPORTABLE = tuple(
    name for name, entry in SCORES.items() if is_exportable(entry, find_features(entry.reads).part)
)


def _whitening(detector: Whitening) -> TensorScore:
    mean, directions = constant(detector.mean_), constant(detector.whitening_)
    return lambda x: (x.double() - mean) @ directions
