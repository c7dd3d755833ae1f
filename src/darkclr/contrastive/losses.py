r"""Contrastive losses on the views that are needed; no similarities that do not enter.

All share the alignment of a jet z with its physical copy z', weighted by *a*, the separation from
its anomalous copy z*, weighted by *b*, and the penalty on the norm of the background. With the
cosine similarity s, the temperature τ and :math:`⟨⟩` the mean over the jets:

.. math:: L_i = -\frac{a\,s(z_i, z'_i) - b\,s(z_i, z^*_i)}{τ} + \log U_i, \qquad
          U_i = \sum_{j ≠ i} \left[ e^{s(z_i, z_j) / τ} + e^{s(z_i, z'_j) / τ} \right], \qquad
          L = ⟨L_i⟩ + β ⟨\|z_i\|_2⟩

============== =================== =========================================================
name           terms               source
============== =================== =========================================================
anomclr_plus   without log U       DarkCLR (arXiv:2312.03067) eq. 3, thesis eq. 3.16
anomclr        all                 thesis eq. 3.15, after AnomalyCLR (arXiv:2301.04660)
nt_xent        b = 0, without z*   thesis eq. 3.12, JetCLR (arXiv:2108.04253)
============== =================== =========================================================

The weights a and b are the trade-off of the thesis's outlook (chapter 7) and of the public code;
temperature and norm penalty are described in section 4 of the paper.

Of k families of anomalous copies, :math:`s(z_i, z^*_i)` is the mean over the families f, and
:math:`\frac{c}{k τ} \sum_{f < g} s(z^{*f}_i, z^{*g}_i)` is added, so that each family has a
direction of its own: with b = c all pairs count alike, and the minimum is a regular simplex of the
jet and its families. Without the term all families would go to the one direction opposite of z.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from darkclr.contrastive.config import LossConfig
from darkclr.errors import ConfigError

__all__ = ["LossTerms", "contrastive_loss"]


class LossTerms(NamedTuple):
    """Loss and its terms, scalars; those of views that are not there are None."""

    loss: Tensor
    alignment: Tensor
    anomaly_similarity: Tensor | None
    norm: Tensor
    family_similarity: Tensor | None = None


def contrastive_loss(
    z: Tensor,
    z_physical: Tensor,
    z_anomalous: Tensor | None,
    config: LossConfig,
    weight: Tensor | None = None,
) -> LossTerms:
    """The loss that ``config.name`` names.

    Args:
        z: (n, d) representations of the background jets.
        z_physical: (n, d) representations of their physically augmented copies z'.
        z_anomalous: (n, d) representations of their anomalous copies z*, or (n_families, n, d) of
            several families of copies; ``nt_xent`` does not need any.
        config: name, temperature and weights of the loss.
        weight: (n,) weights of the jets, in units of the mean weight of the *sample*: a mean over
            the batch is then an unbiased estimate of the sample's weighted mean, which division by
            the batch's own sum would not be, and ranks of a distributed training average right
            where the loss does not compare jets. None means equal ones. A jet of weight 0 is as
            good as absent.

    Returns:
        The loss; alignment = mean s(z, z'); anomaly_similarity = mean s(z, z*); mean norm of z;
        family_similarity = mean s(z*, z*) of different families, if there are several.
    """
    z, z_physical = _single(z), _single(z_physical)
    alignment = _mean(F.cosine_similarity(z, z_physical, dim=-1), weight)
    norm = _mean(torch.linalg.vector_norm(z, dim=-1), weight)
    similarity = -config.alignment_weight * alignment
    separation = families = None
    if config.needs_anomalous:
        if z_anomalous is None:
            raise ConfigError("this loss needs the anomalous view", where="loss")
        z_anomalous = _single(z_anomalous)
        separation = _mean(F.cosine_similarity(z, z_anomalous, dim=-1), weight)
        similarity = similarity + config.separation_weight * separation
        if z_anomalous.ndim == 3 and (k := len(z_anomalous)) > 1:
            families = _mean(_mutual_similarity(z_anomalous), weight)
            similarity = similarity + config.family_weight * (k - 1) / 2 * families
    loss = similarity / config.temperature + config.norm_penalty * norm
    if config.compares_jets:
        loss = loss + _uniformity(z, z_physical, config.temperature, weight)
    return LossTerms(loss, alignment, separation, norm, families)


def _mutual_similarity(z: Tensor) -> Tensor:
    """Mean cosine between different families, (n_families, n, d) -> (n,).

    The square of a sum of k unit vectors is k and twice the cosines of all pairs.
    """
    k = len(z)
    return (F.normalize(z, dim=-1).sum(0).square().sum(-1) - k) / (k * (k - 1))


def _uniformity(z: Tensor, z_physical: Tensor, temperature: float, weight: Tensor | None) -> Tensor:
    """Mean of log U_i; the n x 2n similarities to the other jets."""
    # Autocast would multiply in half precision, and 1/τ would magnify its rounding.
    with torch.autocast(z.device.type, enabled=False):
        unit = F.normalize(z, dim=-1)
        others = torch.cat([unit, F.normalize(z_physical, dim=-1)])  # (2n, d)
        logits = unit @ others.T / temperature  # (n, 2n)
        if weight is not None:
            # A jet of negative weight cannot be a fraction of a negative example.
            logits = logits + weight.clamp(min=0).log().repeat(2)
        itself = torch.eye(len(z), dtype=torch.bool, device=z.device).repeat(1, 2)
        return _mean(logits.masked_fill(itself, -torch.inf).logsumexp(1), weight)


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    return (values if weight is None else weight * values).mean()


def _single(z: Tensor) -> Tensor:
    """In single precision at least: sums over a batch need it."""
    return z.to(torch.promote_types(z.dtype, torch.float32))
