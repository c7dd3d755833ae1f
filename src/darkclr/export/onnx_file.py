"""A model directory as one ONNX file: constituents in, representation and scores out."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

import darkclr
from darkclr.anomaly.conditioning import CONDITIONS
from darkclr.anomaly.definition import in_order
from darkclr.anomaly.fitted import FittedScore, fit_digest
from darkclr.anomaly.scoring import load_scores
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.model_directory import ModelParts, load_encoder, model_parts
from darkclr.errors import ConfigError, MissingExtraError
from darkclr.export.conditioning import conditional_p_value, residual
from darkclr.export.padded_encoder import PaddedEncoder
from darkclr.export.scores import EXPORTABLE, as_function, is_exportable, p_value
from darkclr.export.tensors import pt_and_mass
from darkclr.io.atomic import atomic_path
from darkclr.names import P_VALUE, did_you_mean
from darkclr.plausibility import refuse_infinite

if TYPE_CHECKING:
    import onnx

__all__ = ["OPSET", "Exported", "ExportedModel", "export"]

#: Operations of ONNX 1.13, which onnxruntime has known since 1.14 (2023).
OPSET = 18

# The version of the file format that came with the opset; later ones are refused by the
# onnxruntime of that time.
_IR_VERSION = 8

_INPUT = "constituents"
_REPRESENTATIONS = ("z", "pooled")
_NAMES = (_INPUT, *_REPRESENTATIONS)


@dataclass(frozen=True)
class Exported:
    """What is in the file.

    Args:
        outputs: names of its outputs.
        left_out: scores of the model directory that cannot be exported.
    """

    outputs: tuple[str, ...]
    left_out: tuple[str, ...]


class ExportedModel(nn.Module):
    """Encoder and scores as one network, with p-values of those scores that are calibrated.

    Args:
        encoder: a trained encoder.
        scores: fitted scores that can be exported, each after its members.
    """

    def __init__(self, encoder: Encoder, scores: Sequence[FittedScore]) -> None:
        super().__init__()
        self.encoder = PaddedEncoder(encoder)
        self._scores = {score.name: _function(score) for score in scores}
        self._p_values = {
            score.name: p_value(score.calibration)
            for score in scores
            if score.calibration is not None
        }
        p_values = (f"{P_VALUE}{name}" for name in self._p_values)
        self.outputs = (*_REPRESENTATIONS, *self._scores, *p_values)

    def forward(self, constituents: Tensor) -> tuple[Tensor, ...]:
        """The outputs of jets, each (n_jets, ...) of float32; see :class:`PaddedEncoder`."""
        pt, eta, phi = constituents.unbind(dim=-1)
        pt = pt.clamp(min=0)
        columns = {"n_constituents": (pt > 0).sum(dim=1).double()}
        columns["pooled"], columns["z"] = self.encoder(constituents)
        columns["pt"], columns["mass"] = pt_and_mass(pt, eta, phi)
        for name, function in self._scores.items():
            columns[name] = function(columns).double()
        for name, share in self._p_values.items():
            columns[f"{P_VALUE}{name}"] = share(columns[name])
        return tuple(columns[name].float() for name in self.outputs)


def _function(score: FittedScore) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """The score from the columns of jets, and from those of its members."""
    definition, function = score.definition, as_function(score.detector)

    def features(columns: Mapping[str, Tensor]) -> Tensor:
        if members := definition.members:
            return torch.stack([columns[member] for member in members], dim=1)
        return cast(Tensor, definition.features.columns(SimpleNamespace(**columns)))

    if definition.given is None or score.conditioning is None:
        return lambda columns: function(features(columns))
    names = CONDITIONS[definition.given]
    p_value, left = conditional_p_value(score.conditioning.p_value), score.conditioning.residual
    remaining = None if left is None else residual(left)

    def given(columns: Mapping[str, Tensor]) -> Tensor:
        x, conditions = features(columns), torch.stack([columns[n] for n in names], dim=1)
        x = x if remaining is None else remaining(x, conditions)
        return p_value(function(x), conditions)

    return given


def export(model: Path, output: Path, scores: Sequence[str] | None = None) -> Exported:
    """Write encoder and scores of a model directory as ONNX.

    Args:
        model: directory with ``encoder`` and ``scores``.
        output: file to write.
        scores: names of the scores; all that can be exported if None.

    Raises:
        ConfigError: a score that is not fitted, or that cannot be exported; the output is not
            called ``.onnx``, so that it may be another file.
        InputError: missing or broken files.
        MissingExtraError: onnx or onnxscript is not installed.
    """
    if (output := Path(output)).suffix.lower() != ".onnx":
        raise ConfigError("is not the name of an ONNX file", where=output, fix="end it with .onnx")
    parts = model_parts(model)
    encoder, fitted = load_encoder(parts.encoder), load_scores(parts.scores)
    chosen, left_out = _chosen(fitted, scores, parts.scores)
    network = ExportedModel(encoder, chosen).eval()
    file = _converted(network)
    file.ir_version = _IR_VERSION
    file.producer_name, file.producer_version = "darkclr", darkclr.__version__
    file.doc_string = "Representations and anomaly scores of jets; higher is more anomalous."
    del file.metadata_props[:]
    for key, value in _metadata(parts, encoder, chosen).items():
        file.metadata_props.add(key=key, value=value)
    with atomic_path(output) as temporary:
        temporary.write_bytes(file.SerializeToString())
    return Exported(network.outputs, tuple(left_out))


def _metadata(parts: ModelParts, encoder: Encoder, scores: Sequence[FittedScore]) -> dict[str, str]:
    """What a reader of the file may want to know of the model."""
    about = {
        score.name: {
            "title": score.definition.title,
            "summary": score.definition.entry.summary,
            "reference": score.definition.entry.reference,
            "digest": fit_digest(parts.scores / score.name),
        }
        | _calibration(score)
        for score in scores
    }
    return {
        "darkclr": darkclr.__version__,
        "input": "constituents (jets, constituents, 3): pT [GeV], eta, phi [rad], in any order; "
        "pT = 0 where there is none",
        "encoder": encoder.digest(),
        "domain": json.dumps(None if encoder.domain is None else asdict(encoder.domain)),
        "training": (parts.encoder / "config.yaml").read_text(encoding="utf-8"),
        "scores": json.dumps(about),
    }


def _calibration(score: FittedScore) -> dict[str, Any]:
    """The cuts of a score, and the background that they and its p-values are of."""
    if score.calibration is None:
        return {}
    points = [asdict(point) for point in score.calibration.working_points]
    return {"working_points": points, "background": dict(score.calibration.background)}


def _chosen(
    fitted: Sequence[FittedScore], names: Sequence[str] | None, where: Path
) -> tuple[list[FittedScore], list[str]]:
    """The scores to write, and the names of those that cannot be."""
    there = {score.name: score.definition for score in fitted}

    def possible(name: str) -> bool:
        definition = there[name]
        known = name not in _NAMES and is_exportable(definition.entry, definition.part)
        known = known and definition.map_to is None
        return known and all(map(possible, definition.members))

    left_out = [name for name in there if not possible(name)]
    for name in names or ():
        if name not in there:
            raise ConfigError(
                f"no fitted score {name!r}",
                where=where,
                fix=did_you_mean(name, there),
            )
        if name in left_out:
            raise ConfigError(
                f"{name!r} cannot be written as ONNX",
                where="scores",
                fix=f"those that can are {', '.join(EXPORTABLE)}, if they read no observables and "
                "map no columns",
            )
    wanted = set(there) - set(left_out) if names is None else set(names)
    while more := {member for name in wanted for member in there[name].members} - wanted:
        wanted |= more
    by_name = {score.name: score for score in fitted}
    ordered = in_order({name: there[name] for name in there if name in wanted})
    return [by_name[name] for name in ordered], left_out


def _converted(network: ExportedModel) -> onnx.ModelProto:
    """The network as ONNX, for any number of jets and constituents."""
    try:
        import onnxscript  # noqa: F401  (torch writes ONNX with it)
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export") from error
    example = torch.tensor([[[30.0, 0.1, 0.2], [20.0, 0.0, 0.3], [0.0, 0.0, 0.0]]]).repeat(2, 1, 1)
    with torch.no_grad():
        outputs = zip(network.outputs, network(example), strict=True)
        refuse_infinite({name: x.numpy() for name, x in outputs}, *np.zeros((2, 2), int))
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[_INPUT],
            output_names=list(network.outputs),
            dynamic_shapes=({0: Dim("jets"), 1: Dim("constituents")},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
