"""Convolutional autoencoders on jet images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import nn

from darkclr.anomaly.detectors.autoencoder import (
    ACTIVATIONS,
    Autoencoder,
    AutoencoderNetwork,
    perceptron,
)
from darkclr.errors import InputError
from darkclr.jet_images import PIXELS
from darkclr.parameters import AtLeast, Ranges

__all__ = ["ImageAutoencoder", "ImageNetwork", "OnImages"]


class ImageNetwork(AutoencoderNetwork):
    """Convolutional encoder 40² -> 20² -> 10² -> 5² -> bottleneck and its mirror image.

    Args:
        channels: of the three convolutions of stride 2.
        bottleneck, sphere: as in :class:`AutoencoderNetwork`.
        activation: class of the activations between the layers.
        generator: source of the initial weights.
    """

    def __init__(
        self,
        channels: tuple[int, int, int],
        *,
        bottleneck: int,
        activation: type[nn.Module],
        sphere: bool,
        generator: torch.Generator,
    ) -> None:
        nn.Module.__init__(self)
        self.bottleneck = bottleneck
        self.sphere = sphere
        a, b, c = channels
        flat = c * 25

        def down(n_in: int, n_out: int) -> nn.Module:
            return _drawn(nn.Conv2d, n_in, n_out, 9 * n_in, generator, padding=1)

        def up(n_in: int, n_out: int) -> nn.Module:
            return _drawn(
                nn.ConvTranspose2d,
                n_in,
                n_out,
                9 * n_in / 4,
                generator,
                padding=1,
                output_padding=1,
            )

        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, PIXELS, PIXELS)),
            *(down(1, a), activation(), down(a, b), activation(), down(b, c), activation()),
            nn.Flatten(),
            *perceptron([flat, bottleneck], activation, generator),
        )
        self.decoder = nn.Sequential(
            *perceptron([bottleneck, flat], activation, generator),
            activation(),
            nn.Unflatten(1, (c, 5, 5)),
            *(up(c, b), activation(), up(b, a), activation(), up(a, 1)),
            nn.Flatten(),
        )


def _drawn(
    kind: Any, n_in: int, n_out: int, fan_in: float, generator: torch.Generator, **options: int
) -> nn.Module:
    """A convolution of stride 2 with weights of the generator, not of the global random state."""
    layer = nn.utils.skip_init(kind, n_in, n_out, 3, stride=2, **options)
    bound = fan_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


@dataclass(eq=False, repr=False, kw_only=True)
class OnImages:
    """What makes the network of an autoencoder convolutional, before its base class."""

    widths: Annotated[Sequence[int], AtLeast(1)] = (8, 16, 32)  # ours
    """Channels of the three convolutions of stride 2."""

    def _ranges(self: Any) -> Ranges:
        return {
            **super()._ranges(),  # type: ignore[misc]
            "widths": (len(self.widths) == 3, "three numbers of channels"),
        }

    def _build(self: Any, generator: torch.Generator) -> AutoencoderNetwork:
        if self.n_features_in_ != PIXELS**2:
            raise InputError(
                f"images of {self.n_features_in_} pixels",
                where="features",
                fix=f"give images of {PIXELS**2} pixels",
            )
        return ImageNetwork(
            tuple(self.widths),
            bottleneck=self.bottleneck,
            activation=ACTIVATIONS[self.activation],
            sphere=self._spherical,
            generator=generator,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class ImageAutoencoder(OnImages, Autoencoder):
    """Reconstruction error of a convolutional autoencoder on jet images (arXiv:1808.08979)."""
