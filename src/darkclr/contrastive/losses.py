"""Contrastive losses on the views that are needed; no similarity matrix of all pairs.

Source: AnomCLR+ loss, DarkCLR (arXiv:2312.03067) eq. 3, with the temperature and the norm
penalty described in its section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["LossConfig", "LossTerms", "anomclr_plus"]


@dataclass(frozen=True)
class LossConfig:
    """AnomCLR+ loss.

    Args:
        temperature: tau, divides the similarities.
        norm_penalty: weight of the mean norm of the background's representations, which makes
            anomalies the longer vectors (paper section 4).
    """

    temperature: float = 0.1
    norm_penalty: float = 1e-3


class LossTerms(NamedTuple):
    """Loss and its terms, scalars."""

    loss: Tensor
    alignment: Tensor
    anomaly_similarity: Tensor
    norm: Tensor


def anomclr_plus(
    z: Tensor,
    z_physical: Tensor,
    z_anomalous: Tensor,
    config: LossConfig,
    weight: Tensor | None = None,
) -> LossTerms:
    r"""AnomCLR+ loss, eq. 3 of arXiv:2312.03067.

    .. math:: L = \langle s(z, z^*) - s(z, z') \rangle / \tau + \beta \langle \|z\|_2 \rangle

    Args:
        z: (n, d) representations of the background jets.
        z_physical: (n, d) of their physically augmented copies z'.
        z_anomalous: (n, d) of their anomalous copies z*.
        config: temperature tau and norm penalty beta.
        weight: (n,) of the jets, in units of the mean weight of the *sample*: a mean over the
            batch is then an unbiased estimate of the sample's weighted mean, which division by
            the batch's own sum would not be, and ranks of a distributed training average right.

    Returns:
        The loss; alignment = mean s(z, z'); anomaly_similarity = mean s(z, z*); mean norm of z.
    """
    single_or_double = torch.promote_types(z.dtype, torch.float32)
    z, z_physical, z_anomalous = (x.to(single_or_double) for x in (z, z_physical, z_anomalous))
    terms = (
        F.cosine_similarity(z, z_physical, dim=-1),
        F.cosine_similarity(z, z_anomalous, dim=-1),
        torch.linalg.vector_norm(z, dim=-1),
    )
    alignment, anomaly_similarity, norm = (
        (term if weight is None else weight * term).mean() for term in terms
    )
    loss = (anomaly_similarity - alignment) / config.temperature + config.norm_penalty * norm
    return LossTerms(loss, alignment, anomaly_similarity, norm)
