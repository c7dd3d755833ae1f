"""The directory of a trained encoder: weights as safetensors, configuration as YAML."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
import torch
import yaml
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from darkclr.contrastive.config import EncoderConfig, without_place
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.devices import DEVICE, torch_device
from darkclr.domain import Domain
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_yaml
from darkclr.io.parquet import write_table
from darkclr.io.tensors import CONFIG, WEIGHTS, read_tensors, write_model
from darkclr.jets import Jets
from darkclr.split import Split

__all__ = [
    "Fingerprint",
    "ModelParts",
    "begin_model",
    "is_finished",
    "load_encoder",
    "load_network",
    "model_parts",
    "save_model",
    "save_weights",
    "training_split",
]

Network = TypeVar("Network", bound=nn.Module)

_WHAT = "is not a model directory of an encoder"
_FIX = "give the directory of a finished `darkclr train`"
_DENSITY = re.compile(r"density-\d+")  # of the scores that an ensemble has beside an encoder


class ModelParts(NamedTuple):
    """The directories that make a model."""

    encoder: Path
    scores: Path


def model_parts(model: str | Path) -> ModelParts:
    """Where the encoder and the scores of a model are.

    Args:
        model: directory with ``encoder`` and ``scores``, as of a run; or ``encoder-1/density-1`` of
            an ensemble, or a directory above it in which there is no other one.

    Raises:
        InputError: there are several models.
    """
    model = Path(model)
    of_its_own = ModelParts(model / "encoder", model / "scores")
    of_an_ensemble = ModelParts(model.absolute().parent / "encoder", model / "scores")
    if of_its_own.scores.is_dir():
        is_density = _DENSITY.fullmatch(model.absolute().name) and not of_its_own.encoder.is_dir()
        return of_an_ensemble if is_density else of_its_own
    found = [*model.glob("density-*/scores"), *model.glob("encoder-*/density-*/scores")]
    if not found:
        return of_its_own
    first = min(found)
    if len(found) > 1:
        raise InputError(
            f"is an ensemble of {len(found)} models",
            where=model,
            fix=f"name one of them, such as {first.parent}",
        )
    return ModelParts(first.parents[1] / "encoder", first)


def load_encoder(directory: str | Path) -> Encoder:
    """The encoder of a model directory; nothing in it is executed.

    Raises:
        InputError: missing or broken files.
    """
    directory = Path(directory)
    if not (directory / CONFIG).exists():
        raise InputError(f"no {CONFIG}", where=directory, fix=_FIX)
    try:
        document = read_yaml(directory / CONFIG)
        config = EncoderConfig(**document["encoder"])
        encoder = load_network(lambda: Encoder(config), directory, document)
        encoder.domain = Domain.restore(document.get("domain"))
    except (RuntimeError, KeyError, TypeError, ValueError, ConfigError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{_WHAT} ({reason})", where=directory) from error
    return encoder


def load_network(
    make: Callable[[], Network], directory: Path, document: Mapping[str, Any]
) -> Network:
    """A network with the weights of a model directory.

    Args:
        make: the network of the architecture that the directory names.
        directory: of the model.
        document: its configuration.

    Raises:
        InputError: the weights are missing, broken, not finite or of another network.
    """
    tensors = read_tensors(directory, document, what=_WHAT, fix=_FIX)
    with torch.device("meta"):  # without memory: a stranger may name any size
        shapes = {name: tuple(t.shape) for name, t in make().state_dict().items()}
    found = {name: t.shape for name, t in tensors.items()}
    differing = [n for n in {**shapes, **found} if shapes.get(n) != found.get(n)]
    if differing:
        raise InputError(
            f"{_WHAT} (its weights differ in {differing[0]} from its configuration)",
            where=directory,
            fix=_FIX,
        )
    network = make()
    network.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    return network.eval()


def training_split(directory: str | Path) -> Split:
    """The split of the events with which the encoder of a model directory was trained.

    The default one where none is recorded, or no encoder is there.

    Raises:
        InputError: the configuration is broken.
    """
    path = Path(directory) / CONFIG
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
            What an earlier version did not record is taken to be the same; where the training
            runs may change.
    """
    document = {**config, "training_jets": jets.to_dict()}
    path = directory / CONFIG
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
            if key != "domain"  # it follows from the jets
            and without_place(earlier.get(key, value)) != without_place(value)
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
    save_weights(directory, encoder)


def save_weights(directory: Path, network: nn.Module) -> None:
    """Write the weights of a network to a directory that :func:`begin_model` has prepared.

    The configuration then says with which PyTorch and on which device it was trained.
    """
    weights, path = save(network.state_dict()), directory / CONFIG
    document = read_yaml(path) if path.exists() else None
    if document is not None:
        document["trained_with"] = _trained_with(document.get("training") or {})
    write_model(directory, document, weights)


def _trained_with(training: Mapping[str, Any]) -> dict[str, str]:
    device = torch_device(training.get("device", DEVICE)).type
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"torch": str(torch.__version__), "device": name}


def is_finished(directory: Path) -> bool:
    """Whether the training in the directory has ended."""
    return (directory / WEIGHTS).exists()
