"""The directory of a trained encoder: weights as safetensors, configuration as YAML."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.domain import Domain
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_yaml
from darkclr.io.parquet import write_table
from darkclr.jets import Jets
from darkclr.split import Split

__all__ = [
    "Fingerprint",
    "begin_model",
    "is_finished",
    "load_encoder",
    "save_model",
    "training_split",
]

_WEIGHTS = "model.safetensors"
_CONFIG = "config.yaml"


def load_encoder(directory: str | Path) -> Encoder:
    """The encoder of a model directory; nothing in it is executed.

    Raises:
        InputError: missing or broken files.
    """
    directory = Path(directory)
    if not (directory / _CONFIG).exists():
        raise InputError(
            f"no {_CONFIG}", where=directory, fix="give the directory of a finished `darkclr train`"
        )
    try:
        document = read_yaml(directory / _CONFIG)
        encoder = Encoder(EncoderConfig(**document["encoder"]))
        encoder.domain = Domain.restore(document.get("domain"))
        encoder.load_state_dict(load_file(directory / _WEIGHTS))
    except FileNotFoundError as error:
        raise InputError(
            f"no {Path(error.filename or _WEIGHTS).name}",
            where=directory,
            fix="give the directory of a finished `darkclr train`",
        ) from error
    except (
        *(OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError),
        *(yaml.YAMLError, ConfigError),
    ) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"is not a model directory of an encoder ({reason})", where=directory
        ) from error
    return encoder.eval()


def training_split(directory: str | Path) -> Split:
    """The split of the events with which the encoder of a model directory was trained.

    The default one where none is recorded, or no encoder is there.

    Raises:
        InputError: the configuration is broken.
    """
    path = Path(directory) / _CONFIG
    try:
        return Split(**(read_yaml(path).get("split") or {})) if path.exists() else Split()
    except (TypeError, ConfigError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"is no configuration of an encoder ({reason})", where=path) from error


class Fingerprint:
    """Which jets a training has seen, whatever the batches they come in."""

    def __init__(self) -> None:
        self._n = 0
        self._digests = {name: hashlib.sha256() for name in ("lengths", "pt", "eta", "phi")}
        self._weights: set[float] = set()  # the first two different ones
        self._weight_digest = hashlib.sha256()

    def add(self, jets: Jets) -> Self:
        """Take a batch of jets, after those before."""
        self._n += len(jets)
        for name, digest in self._digests.items():
            digest.update(np.ascontiguousarray(getattr(jets.constituents, name)).data)
        self._weight_digest.update(np.ascontiguousarray(jets.weight).data)
        if len(self._weights) < 2:
            self._weights.update(np.unique(jets.weight)[:2].tolist())
        return self

    def to_dict(self) -> dict[str, Any]:
        """Number of jets and digest of their constituents."""
        digests = list(self._digests.values())
        if len(self._weights) > 1:  # a common factor is none
            digests.append(self._weight_digest)
        joined = "".join(digest.hexdigest() for digest in digests)
        return {"n": self._n, "sha256": hashlib.sha256(joined.encode()).hexdigest()[:16]}


def begin_model(directory: Path, config: Mapping[str, Any], jets: Fingerprint) -> None:
    """Write the configuration, or check that an earlier one is the same.

    Raises:
        TrainingError: the directory holds a training with another configuration or other jets.
            What an earlier version did not record is taken to be the same.
    """
    document = {**config, "training_jets": jets.to_dict()}
    path = directory / _CONFIG
    text = yaml.safe_dump(document, sort_keys=False)
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return
    if path.read_bytes() != text.encode():
        earlier = read_yaml(path)
        differing = [
            key
            for key, value in yaml.safe_load(text).items()
            if key != "domain" and earlier.get(key, value) != value  # it follows from the jets
        ]
        if differing:
            raise TrainingError(
                f"holds a training with another configuration ({', '.join(differing)})",
                where=directory,
                fix="choose another output or delete it",
            )


def save_model(directory: Path, encoder: Encoder, pairs: dict[str, NDArray]) -> None:
    """Write similarities of pairs, then the weights: their presence says that all is done."""
    write_table(pa.table(pairs), directory / "pairs.parquet", {"kind": "pairs"})
    with atomic_path(directory / _WEIGHTS) as temporary:
        temporary.write_bytes(save(encoder.state_dict()))  # its errors are OSError


def is_finished(directory: Path) -> bool:
    """Whether the training in the directory has ended."""
    return (directory / _WEIGHTS).exists()
