"""Supervised probes: how much of the difference between background and signal is in the features.

The *linear classifier test* (LCT) is one linear layer on standardised features (DarkCLR,
arXiv:2312.03067, appendix A); the *multilayer* classifier narrows them by four from layer to
layer (thesis sections 4.5.2 and 6.2.1). Both read labels: their results say what a representation
holds and must never choose among representations or scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.batches import input_pt
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode, prepare
from darkclr.errors import InputError
from darkclr.jets import BACKGROUND, SIGNAL, Constituents, Jets
from darkclr.representations import Representations, common_encoder
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig

__all__ = ["Probed", "flat_constituents", "narrowing_widths", "probe_scores"]


@dataclass(frozen=True, eq=False)
class Probed:
    """Features of the jets of one sample; its label is the role that it plays.

    Args:
        features: features (n, d) by their name ``raw``, ``pooled`` or ``z``.
        event: (n,) int64; jets of one event are never parted by a split.
        weight: (n,) event weights.
        pt: (n,) jet pT [GeV]; without that of all samples, nothing is measured at equal pT.
        encoder: digest of the encoder of the representations, if there are some and it is known.
    """

    features: Mapping[str, NDArray[np.float32]]
    event: NDArray[np.int64]
    weight: NDArray[np.float32]
    encoder: str | None = None
    pt: NDArray[np.float32] | None = None

    @classmethod
    def from_jets(cls, jets: Jets, encoder: Encoder | None = None) -> Probed:
        """Raw constituents, and what the encoder makes of them if there is one."""
        config = EncoderConfig() if encoder is None else encoder.config
        features = {"raw": flat_constituents(prepare(jets.constituents, config), config)}
        if encoder is None:
            return cls(features, jets.event, jets.weight, pt=jets.pt)
        rows = encode(encoder, jets)
        features |= {"pooled": rows.pooled, "z": rows.z}
        return cls(features, jets.event, jets.weight, rows.encoder, jets.pt)

    @classmethod
    def from_representations(cls, rows: Representations) -> Probed:
        """Pooled representation and head output; dropped copies are left out."""
        rows = rows[~rows.dropped]
        features = {"pooled": rows.pooled, "z": rows.z}
        return cls(features, rows.event, rows.weight, rows.encoder, rows.pt)


def flat_constituents(constituents: Constituents, config: EncoderConfig) -> NDArray[np.float32]:
    """(n_jets, 3 N_c): pT as it is read, eta, phi of the hardest constituents; then zeros."""
    flat = np.zeros((len(constituents), config.n_constituents, 3), dtype=np.float32)
    ids = constituents.jet_index
    position = np.arange(len(ids)) - constituents.offsets[ids]
    flat[ids, position] = np.stack(
        [input_pt(constituents, config), constituents.eta, constituents.phi], axis=1
    )
    return flat.reshape(len(constituents), -1)


def narrowing_widths(n_features: int) -> tuple[int, ...]:
    """Widths of the hidden layers: a quarter of the one before, down to eight.

    >>> narrowing_widths(512)
    (128, 32, 8)
    """
    widths = []
    while (n_features := n_features // 4) >= 8:
        widths.append(n_features)
    return tuple(widths) or (8,)


def probe_scores(
    background: Probed,
    signals: Mapping[str, Probed],
    *,
    split: Split | None = None,
    config: ProbeConfig | None = None,
) -> dict[str, pa.Table]:
    """Train classifiers on the training parts and score the test parts.

    One classifier for each signal, kind and kind of features. Both classes count equally; weights
    within a class are honoured.

    Args:
        background: features of background jets.
        signals: features of signal jets, by name of the sample.
        split: shares of the events; give that of the encoder's training.
        config: classifiers and their training.

    Returns:
        For each signal a table of the test jets of background and signal; its columns
        ``KIND_FEATURES`` are the probabilities of being signal.

    Raises:
        InputError: the samples have no kind of features in common, they are representations of
            different encoders, or a part has no jets.
    """
    split, config = split or Split(), config or ProbeConfig()
    if not signals:
        raise InputError("there is no signal sample")
    shared = [k for k in background.features if all(k in s.features for s in signals.values())]
    if not shared:
        raise InputError(
            "background and signal have no features in common",
            fix="give jets of both, or representations of both",
        )
    common_encoder(sample.encoder for sample in (background, *signals.values()))
    return {
        name: _scored(background, name, signal, shared, split, config)
        for name, signal in signals.items()
    }


def _scored(
    background: Probed,
    name: str,
    signal: Probed,
    features: list[str],
    split: Split,
    config: ProbeConfig,
) -> pa.Table:
    """Probabilities of the test jets, one column a classifier and kind of features."""
    samples = (background, signal)
    train, test = (
        [split.part(sample.event, part) for sample in samples] for part in ("train", "test")
    )
    if not all(mask.any() for mask in (*train, *test)):
        raise InputError("a training or test part has no jets", fix="give more jets")
    label = np.repeat([BACKGROUND, SIGNAL], [mask.sum() for mask in train])
    weight = np.concatenate([s.weight[m].astype(np.float64) for s, m in _zip(samples, train)])
    for one in (BACKGROUND, SIGNAL):  # equal sums for both classes, one on average
        weight[label == one] *= 0.5 * len(label) / weight[label == one].sum()
    columns: dict[str, Any] = {
        "sample": np.repeat(["background", name], [mask.sum() for mask in test]),
        "event": np.concatenate([s.event[m] for s, m in _zip(samples, test)]),
        "label": np.repeat([BACKGROUND, SIGNAL], [mask.sum() for mask in test]),
        "weight": np.concatenate([s.weight[m] for s, m in _zip(samples, test)]),
    }
    if background.pt is not None and signal.pt is not None:
        columns["pt"] = np.concatenate([background.pt[test[0]], signal.pt[test[1]]])
    for feature in features:
        x, x_test = (
            np.concatenate([s.features[feature][m] for s, m in _zip(samples, part)])
            for part in (train, test)
        )
        for kind in config.classifiers:
            classifier = _fitted(kind, x, label, weight, config)
            columns[f"{kind}_{feature}"] = classifier.predict_proba(x_test)[:, 1].astype(float)
    return pa.table(columns)


def _zip(samples: tuple[Probed, Probed], masks: list[NDArray[np.bool_]]) -> Any:
    return zip(samples, masks, strict=True)


def _fitted(
    kind: str, x: NDArray, label: NDArray, weight: NDArray, config: ProbeConfig
) -> Pipeline:
    """The classifier after its training on standardised features."""
    scaler = StandardScaler().fit(x, sample_weight=weight)
    scaled = scaler.transform(x)
    if kind == "linear":
        linear = LogisticRegression(
            C=config.inverse_penalty, max_iter=config.max_iterations, solver="newton-cholesky"
        )
        return make_pipeline(scaler, linear.fit(scaled, label, sample_weight=weight))
    starts = [
        MLPClassifier(
            narrowing_widths(x.shape[1]),
            max_iter=config.max_iterations,
            early_stopping=True,
            n_iter_no_change=30,  # narrow networks dwell near chance for more than the default 10
            random_state=config.seed + i,
        ).fit(scaled, label, sample_weight=weight)
        for i in range(config.restarts)
    ]
    return make_pipeline(scaler, max(starts, key=lambda one: one.best_validation_score_))
