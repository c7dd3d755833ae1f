"""A normalizing flow: the density itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.density import Density
from darkclr.parameters import Ranges

__all__ = ["Flow"]

# The scale of a component in one affine transform is between this and its inverse. zuko's own 1e-3
# lets eight of them stretch a single outlier by 1e24, and the mean loss is then of that jet alone.
_SMALLEST_SCALE = 0.2


class Flow(Density):
    r"""Negative log-likelihood of a normalizing flow on principal components.

    .. math:: -\log p(x) = -\log N(f(x); 0, 1) - \log |\det ∂f/∂x|

    with an invertible network f of zuko. The cited work (arXiv:2202.00686, "INN") trains 24 affine
    couplings of width 512 on eight whitened energy-flow polynomials; "affine" is that, with fewer
    and narrower layers, "spline" (arXiv:1906.04032) needs fewer still, "autoregressive"
    (arXiv:1705.07057) lets each component see all before it.

    Args:
        architecture: "affine", "spline" or "autoregressive".
        transforms: layers of the flow.
        widths: hidden layers of the network in each of them.
        epochs, learning_rate, batch_size, n_components, validation_fraction, seed, device: as in
            :class:`~darkclr.anomaly.detectors.density.Density`.
        logarithm: take the logarithm of the features first, for observables that are positive and
            span decades; zeros become the smallest positive value of the fit.

    Attributes:
        network_: the trained flow of zuko.
    """

    packages = ("zuko",)
    _largest_gradient = 10.0  # one outlier in a batch must not decide the step

    def __init__(
        self,
        architecture: Literal["affine", "spline", "autoregressive"] = "affine",
        transforms: int = 8,
        widths: Sequence[int] = (128,),
        epochs: int = 30,
        learning_rate: float = 1e-3,
        batch_size: int = 512,
        logarithm: bool = False,
        n_components: int | None = 32,
        validation_fraction: float = 0.1,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            n_components=n_components,
            validation_fraction=validation_fraction,
            seed=seed,
            device=device,
        )
        self.architecture = architecture
        self.transforms = transforms
        self.widths = widths
        self.logarithm = logarithm

    def loss(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """-log p, (n, k) -> (n,)."""
        return self.energy(x)

    def energy(self, x: Tensor) -> Tensor:
        """-log p of whitened rows, (n, k) -> (n,)."""
        return -self.network_().log_prob(x)

    def state(self) -> dict[str, NDArray]:
        """Weights, whitening and the floor of the logarithm."""
        return super().state() | {"floor": self.floor_}

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights, whitening and floor."""
        self.floor_ = state["floor"]
        return super().restore(state)

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
        return {
            **super()._ranges(),
            "architecture": (
                self.architecture in ("affine", "spline", "autoregressive"),
                "affine, spline or autoregressive",
            ),
            "transforms": (self.transforms >= 1, "at least 1"),
            "widths": (
                len(self.widths) > 0 and all(width >= 1 for width in self.widths),
                "one or more numbers of at least 1",
            ),
        }
