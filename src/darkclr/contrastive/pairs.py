"""Similarities of pairs of views: what the training wants, and whether it collapsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_constituents
from darkclr.jets import Constituents

__all__ = [
    "EncoderVerdict",
    "Pairs",
    "encoder_verdict",
    "pair_similarities",
    "pair_views",
    "summarise_pairs",
    "view_similarities",
]

# Different jets this near to one direction are one point, whatever the loss says.
_COLLAPSED = 0.99
# An AUC below 0.5 by so many errors is no fluctuation.
_ERRORS = 2.0


#: A view of each jet, a physical copy of it, and an anomalous one.
Pairs = tuple[Constituents, Constituents, Constituents]


def pair_views(constituents: Constituents, augmentations: Augmentations, seed: int) -> Pairs:
    """The views of prepared jets whose similarities are watched."""
    x, physical, *families = augmentations.views(constituents, np.random.default_rng(seed))
    family = np.arange(len(constituents)) % len(families)  # of several, jets take turns
    anomalous = Constituents.concatenate(families)[
        family * len(constituents) + np.arange(len(constituents))
    ]
    return x, physical, anomalous


def pair_similarities(
    encoder: Encoder, constituents: Constituents, augmentations: Augmentations, seed: int
) -> dict[str, NDArray[np.float32]]:
    """What :func:`view_similarities` says of the views of prepared jets."""
    return view_similarities(encoder, pair_views(constituents, augmentations, seed))


def view_similarities(encoder: Encoder, views: Pairs) -> dict[str, NDArray[np.float32]]:
    """Cosine similarities and norms of background jets and their copies, each (n,).

    ``positive_similarity`` of two physical views, ``anomalous_similarity`` of a view and the
    anomalous view, ``background_similarity`` of two *different* jets (all 1 if the encoder has
    collapsed), ``norm`` and ``anomalous_norm``.
    """
    device = next(encoder.parameters()).device
    z = [encode_constituents(encoder, view, device=device)[1] for view in views]
    norms = [np.linalg.norm(one, axis=1) for one in z]
    unit, unit_physical, unit_anomalous = (
        one / norm[:, None] for one, norm in zip(z, norms, strict=True)
    )
    return {
        "positive_similarity": (unit * unit_physical).sum(1),
        "anomalous_similarity": (unit * unit_anomalous).sum(1),
        "background_similarity": (unit * np.roll(unit, 1, axis=0)).sum(1),
        "norm": norms[0],
        "anomalous_norm": norms[2],
    }


def summarise_pairs(
    pairs: dict[str, NDArray[np.float32]], weight: NDArray[np.float32] | None = None
) -> dict[str, float]:
    """Means, the spread of different jets, and whether the norm orders dropped copies right.

    ``norm_auc`` is the AUC of the norm between background jets and their own dropped copies;
    above 0.5 the anomalies are the longer vectors. It leaves jets of negative weight out.

    Args:
        pairs: what :func:`pair_similarities` returned.
        weight: (n,) weights of the jets; None if all are equal.
    """
    if weight is None:
        weight = np.ones(len(pairs["norm"]), dtype=np.float32)
    norms = np.concatenate([pairs["anomalous_norm"], pairs["norm"]])
    is_anomalous = np.repeat([1, 0], len(pairs["norm"]))
    auc = roc_auc_score(is_anomalous, norms, sample_weight=np.tile(weight.clip(min=0), 2))
    return {
        "alignment": float(np.average(pairs["positive_similarity"], weights=weight)),
        "anomaly_similarity": float(np.average(pairs["anomalous_similarity"], weights=weight)),
        "background_similarity": float(np.average(pairs["background_similarity"], weights=weight)),
        "norm": float(np.average(pairs["norm"], weights=weight)),
        "norm_auc": float(auc),
    }


@dataclass(frozen=True)
class EncoderVerdict:
    """Whether an encoder tells jets apart, and whether its norm is a score.

    Args:
        alignment: mean similarity of two views of a jet.
        background_similarity: mean similarity of different jets.
        norm_auc: AUC of the norm between background jets and their own dropped copies.
        norm_auc_error: what it fluctuates by if the norm says nothing.
    """

    alignment: float
    background_similarity: float
    norm_auc: float
    norm_auc_error: float

    @property
    def collapsed(self) -> bool:
        """Whether different jets are one point."""
        return not self.background_similarity < _COLLAPSED

    @property
    def inverted(self) -> bool:
        """Whether dropped copies have the shorter vectors, so that the norm ranks them wrongly."""
        return self.norm_auc < 0.5 - _ERRORS * self.norm_auc_error

    def sentence(self) -> str:
        """The verdict for a reader."""
        state = "has collapsed" if self.collapsed else "tells jets apart"
        norm = "shorter" if self.inverted else "longer"
        if abs(self.norm_auc - 0.5) <= _ERRORS * self.norm_auc_error:
            norm = "as long"
        return (
            f"the encoder {state} (similarity of different jets {self.background_similarity:.2f}, "
            f"of two views {self.alignment:.2f}); dropped copies are {norm} "
            f"{'as' if norm == 'as long' else 'than'} background "
            f"(AUC of the norm {self.norm_auc:.3f} ± {self.norm_auc_error:.3f})"
            + ("; the norm is inverted as a score" if self.inverted else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data, with the conclusions and the sentence."""
        conclusions = {name: getattr(self, name) for name in ("collapsed", "inverted")}
        return asdict(self) | conclusions | {"sentence": self.sentence()}


def encoder_verdict(pairs: Mapping[str, NDArray[np.float32]]) -> EncoderVerdict:
    """What became of a training, from its pairs.

    Args:
        pairs: what :func:`pair_similarities` returned, or the columns of ``pairs.parquet``.
    """
    summary, n = summarise_pairs(dict(pairs)), len(pairs["norm"])
    return EncoderVerdict(
        summary["alignment"],
        summary["background_similarity"],
        summary["norm_auc"],
        ((2 * n + 1) / (12 * n * n)) ** 0.5,  # of the Mann-Whitney statistic
    )
