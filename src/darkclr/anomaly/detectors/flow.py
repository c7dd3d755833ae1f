"""A normalizing flow: the density itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.gaussian import Whitening
from darkclr.anomaly.training.trained import Trained
from darkclr.parameters import DEPTH, AtLeast, Ranges

__all__ = ["Flow"]

# The scale of a component in one affine transform is between this and its inverse. zuko's own 1e-3
# lets eight of them stretch a single outlier by 1e24, and the mean loss is then of that jet alone.
_SMALLEST_SCALE = 0.2


@dataclass(eq=False, repr=False)
class Flow(Trained, Whitening):
    r"""Negative log-likelihood of a normalizing flow on principal components.

    .. math:: -\log p(x) = -\log N(f(x); 0, 1) - \log |\det ∂f/∂x|

    with an invertible network f of zuko. The cited work (arXiv:2202.00686, "INN") trains 24 affine
    couplings of width 512 on eight whitened energy-flow polynomials; "affine" is that, with fewer
    and narrower layers, "spline" (arXiv:1906.04032) needs fewer still, "autoregressive"
    (arXiv:1705.07057) lets each component see all before it.

    Attributes:
        network_: the trained flow of zuko.
    """

    packages = ("zuko",)
    learned = (*Whitening.learned, "floor_")

    architecture: Literal["affine", "spline", "autoregressive"] = "affine"
    """Kind of the layers."""
    transforms: Annotated[int, DEPTH] = 8
    """Number of layers of the flow."""
    widths: Annotated[Sequence[int], AtLeast(1)] = (128,)
    """Hidden layers of the network in each of them."""
    logarithm: bool = False
    """Whether the logarithm of the features is taken first, for observables that are positive and
    span decades; zeros become the smallest positive value of the fit."""

    floor_: NDArray[np.float64] = field(init=False)

    _stage: ClassVar[str] = "Flow"
    _remedy: ClassVar[str] = "lower learning_rate or n_components"
    _largest_gradient: ClassVar[float] = 10.0  # one outlier in a batch must not decide the step

    def energy(self, x: Tensor) -> Tensor:
        """-log p of whitened rows, (n, k) -> (n,)."""
        return -self.network_().log_prob(x)

    def _learn_preparation(self, X: NDArray) -> None:
        positive = np.where(X > 0, X, np.inf).min(axis=0)
        self.floor_ = np.where(np.isfinite(positive), positive, 1.0).astype(np.float64)
        self._fit_whitening(self._scaled(X), None)

    def _prepared(self, X: ArrayLike) -> NDArray:
        return self._whitened(self._scaled(self._checked(X)))

    def _scaled(self, X: NDArray) -> NDArray:
        return np.log(np.maximum(X, self.floor_)) if self.logarithm else X

    def _build(self, generator: torch.Generator) -> nn.Module:
        import zuko

        affine = partial(zuko.transforms.MonotonicAffineTransform, slope=_SMALLEST_SCALE)
        kinds: dict[str, tuple[Any, dict[str, Any]]] = {
            "affine": (zuko.flows.RealNVP, {"randmask": True, "univariate": affine}),
            "spline": (zuko.flows.NSF, {"randperm": True}),
            "autoregressive": (zuko.flows.MAF, {"randperm": True, "univariate": affine}),
        }
        make, options = kinds[self.architecture]
        # zuko draws weights and orders from the global random state, which must not change.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            return make(
                self.whitening_.shape[1],
                transforms=self.transforms,
                hidden_features=list(self.widths),
                **options,
            )

    def _ranges(self) -> Ranges:
        return {"widths": (len(self.widths) > 0, "one or more numbers of at least 1")}
