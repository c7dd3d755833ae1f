"""A score that has learned the background: save, load, score."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from darkclr.anomaly.catalogue import find_score, is_known
from darkclr.anomaly.conditioning import Conditioning
from darkclr.anomaly.definition import KEYS, ScoreDefinition, define_score
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.detectors.external import External
from darkclr.anomaly.inputs import ScoreInputs, Source
from darkclr.anomaly.nae.verdict import Verdict
from darkclr.anomaly.normal_map import NormalMap
from darkclr.anomaly.training.checkpoint import CHECKPOINT
from darkclr.anomaly.working_points import FILE as WORKING_POINTS
from darkclr.anomaly.working_points import Calibration
from darkclr.devices import torch_device
from darkclr.errors import ConfigError, InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_yaml
from darkclr.io.tensors import CONFIG, DIGESTS, WEIGHTS, read_tensors, write_model
from darkclr.parameters import later, parameters_of

__all__ = ["VERDICT", "FittedScore", "fit_digest", "is_fitted", "read_fit_config"]

_HISTORY = "history.csv"
_SAMPLES = "samples.csv"
#: File of the verdict in the directory of a score.
VERDICT = "verdict.json"
_GIVEN = "given."  # before the names of what was learned of pT
_MAP = "map."  # and of the columns


@dataclass(frozen=True, eq=False)
class FittedScore:
    """A score that has learned the background.

    Args:
        definition: what was fitted.
        detector: the fitted estimator.
        background: what it was fitted on, ``Representations.fingerprint()``; None if unknown.
        normal_map: what it has learned of its columns, if the definition says ``map_to``.
        conditioning: what it has learned of pT (and mass), if the definition says ``given``.
        digest: which fit it is, as soon as it is in a directory.
        calibration: what it is on background that the fit has not seen, if that is known.
    """

    definition: ScoreDefinition
    detector: Detector
    background: Mapping[str, Any] | None = None
    normal_map: NormalMap | None = None
    conditioning: Conditioning | None = None
    digest: str | None = None
    calibration: Calibration | None = None

    @property
    def name(self) -> str:
        """Name in configurations, files and columns."""
        return self.definition.name

    def score(self, inputs: ScoreInputs | Source) -> NDArray[np.float64]:
        """Anomaly score of each jet, (n,); higher = more anomalous.

        Args:
            inputs: what the score may read, or just the part that it reads.

        Raises:
            InputError: rows that do not fit those of the fit, or of another encoder, or a part that
                is missing.
        """
        where = f"score {self.name}"
        rows = ScoreInputs.of(inputs).rows(self.definition.features, where)
        own = (self.background or {}).get("encoder")
        if None not in (own, rows.encoder) and own != rows.encoder:
            raise InputError(
                f"fitted on representations of the encoder {own}, asked for some of {rows.encoder}",
                where=where,
                fix="encode the jets with its encoder, or fit it again",
            )
        given = self.definition.given
        X = rows.X if self.normal_map is None else self.normal_map(rows.X)
        if given is None or self.conditioning is None:
            return self.detector.score_samples(X)
        conditions, residual = rows.conditions(given, where), self.conditioning.residual
        X = X if residual is None else residual(X, conditions)
        return self.conditioning.p_value(self.detector.score_samples(X), conditions)

    @property
    def n_parameters(self) -> int | None:
        """How many numbers the fit learned: weights of the network, or means and directions.

        What a network's rows are scaled with is not counted. None where it is no such number: for
        scores that keep rows of the fit, and detectors of other packages.
        """
        network = getattr(self.detector, "network_", None)
        if network is not None:
            return sum(parameter.numel() for parameter in network.parameters())
        state = self.detector.state()
        if state.keys() & {"rows", "values", "skops"}:
            return None
        # The factors of the covariances are these once more.
        others = ("n_features_in", "mixture.precisions_cholesky_")
        return sum(values.size for name, values in state.items() if name not in others)

    @property
    def verdict(self) -> Verdict | None:
        """What became of the fit of a normalized autoencoder, as long as it is in memory."""
        return getattr(self.detector, "verdict_", None)

    def save(self, directory: str | Path) -> None:
        """Write ``config.yaml``, ``history.csv`` where there is one, then ``model.safetensors``.

        Beside them ``samples.csv`` and ``verdict.json`` of a normalized autoencoder: data and
        samples of the model, and what became of it. The checkpoint of the fit is removed, and
        the working points of an earlier one.

        Raises:
            InputError: the directory cannot be written.
        """
        directory = Path(directory)
        document = _identity(self.definition) | {"parameters": _recorded(self)}
        if self.background is not None:
            document["background"] = dict(self.background)
        _write_rows(self.detector.history_, directory / _HISTORY)
        _write_rows(self.detector.sample_table(), directory / _SAMPLES)
        if self.verdict is not None:
            with atomic_path(directory / VERDICT) as temporary:
                temporary.write_text(
                    json.dumps(self.verdict.to_dict(), indent=2) + "\n", encoding="utf-8"
                )
        state = self.detector.state()
        for prefix, part in ((_MAP, self.normal_map), (_GIVEN, self.conditioning)):
            if part is not None:
                state |= {f"{prefix}{name}": v for name, v in part.state().items()}
        state = {name: np.ascontiguousarray(v) for name, v in state.items()}
        (directory / WORKING_POINTS).unlink(missing_ok=True)
        write_model(directory, document, save(state))
        (directory / CHECKPOINT).unlink(missing_ok=True)

    @classmethod
    def load(cls, directory: str | Path, *, plugins: Collection[str] = ()) -> FittedScore:
        """Read what :meth:`save` wrote. Arrays and plain YAML only: nothing in it is executed.

        The scores are those of the saved detector to the last bit; its history stays in the CSV.
        Detectors of scikit-learn and PyOD travel as the bytes of a ``skops`` archive, of which
        only types of these packages are accepted.

        Args:
            directory: of the score.
            plugins: import paths of classes of your own that may be imported, which executes their
                code. A directory that names another one is refused: it may be a stranger's.

        Raises:
            InputError: missing or broken files, a score or parameters that darkclr does not know.
        """
        directory = Path(directory)
        document = read_fit_config(directory)
        path = directory / CONFIG
        if not isinstance(document["score"], str) or not is_known(document["score"], plugins):
            raise InputError(
                f"names no known score: {document['score']!r}",
                where=path,
                fix="if it is a class of your own, name it among the plugins",
            )
        try:
            definition, seed = _definition(document, plugins)
            detector = definition.detector(seed)
        except ConfigError as error:
            raise InputError(str(error), where=path) from error
        try:
            state = read_tensors(
                directory,
                document,
                what=f"does not hold the score {definition.name!r}",
                fix="fit it again",
            )
            own = {k: v for k, v in state.items() if not k.startswith((_GIVEN, _MAP))}
            detector.restore(own)
            normal_map = conditioning = None
            if definition.map_to is not None:
                normal_map = NormalMap().restore(_part(state, _MAP))
            if definition.given is not None:
                conditioning = Conditioning.restore(_part(state, _GIVEN))
        except (KeyError, ValueError, RuntimeError, TypeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"does not hold the score {definition.name!r} ({reason})",
                where=directory / WEIGHTS,
                fix="fit it again",
            ) from error
        digest = fit_digest(directory)
        calibration = _calibration(directory / WORKING_POINTS, digest)
        background = document.get("background")
        return cls(definition, detector, background, normal_map, conditioning, digest, calibration)


def is_fitted(
    directory: Path,
    definition: ScoreDefinition,
    *,
    seed: int,
    background: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a directory holds the finished fit of this score.

    Args:
        directory: that of the score.
        definition: what is to be fitted.
        seed: of the fit.
        background: what it is to be fitted on; what either side does not know is not compared.

    Raises:
        ConfigError: it holds another one, or one on other background.
        InputError: its configuration is broken.
    """
    if not (directory / WEIGHTS).exists():
        return False
    document = read_fit_config(directory)
    detector = definition.detector(seed)
    # A parameter that an earlier version did not have has its default.
    earlier = {p.name: _plain(p.default) for p in parameters_of(type(detector))}
    earlier |= document["parameters"]
    wanted = _parameters(detector)
    differing = [key for key in wanted if earlier.get(key) != wanted[key]]
    identity = _identity(definition)
    for key in (*KEYS, "name"):  # null is said where the entry has something else
        if document.get(key, "") != identity.get(key, ""):
            differing.append(key)
    fix = "delete it, or fit into another directory"
    if differing:
        raise ConfigError(
            f"holds a fit with other parameters ({', '.join(differing)})", where=directory, fix=fix
        )
    fitted_on = document.get("background") or {}
    known = (background or {}).keys() & fitted_on.keys()
    others = [key for key in known if background[key] != fitted_on[key]]  # type: ignore[index]
    if others:
        what = "fits of its members" if others == ["members"] else "background jets"
        raise ConfigError(f"holds a fit on other {what}", where=directory, fix=fix)
    return True


def _calibration(path: Path, digest: str) -> Calibration | None:
    """The working points in the directory of a fit, if there are any.

    Raises:
        InputError: they are damaged, or those of another fit.
    """
    if not path.exists():
        return None
    calibration = Calibration.read(path)
    if calibration.fit != digest:
        raise InputError(
            "holds the working points of another fit",
            where=path,
            fix="delete it, and call `darkclr workingpoints` again",
        )
    return calibration


def fit_digest(directory: Path) -> str:
    """Which fit a directory holds: a digest of its parameters, background and weights."""
    content = b"".join((directory / name).read_bytes() for name in (CONFIG, WEIGHTS))
    return hashlib.sha256(content).hexdigest()[:16]


def _identity(definition: ScoreDefinition) -> dict[str, Any]:
    """Which score it is, as far as that is not clear from its entry of the catalogue."""
    entry = definition.entry
    document: dict[str, Any] = {"score": entry.name}
    if definition.name != entry.name:
        document["name"] = definition.name
    if definition.reads != entry.reads:
        document["reads"] = _plain(definition.reads)
    if definition.map_to != entry.map_to:
        document["map_to"] = definition.map_to
    if definition.given is not None:
        document["given"] = definition.given
    return document


def _part(state: Mapping[str, NDArray], prefix: str) -> dict[str, NDArray]:
    """What was saved under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _parameters(detector: Detector) -> dict[str, Any]:
    """Parameters as plain data."""
    return {key: _plain(value) for key, value in detector.get_params(deep=False).items()}


def _recorded(score: FittedScore) -> dict[str, Any]:
    """Parameters as plain data, without those that earlier versions did not have.

    That is as long as they have the default of the class, and the entry has no other one.
    """
    defaults = {p.name: p.default for p in parameters_of(type(score.detector))}
    presets = score.definition.entry.presets
    return {
        name: value
        for name, value in _parameters(score.detector).items()
        if name not in later(type(score.detector)) - presets.keys() or value != defaults[name]
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _definition(
    document: Mapping[str, Any], plugins: Collection[str]
) -> tuple[ScoreDefinition, int]:
    """What a configuration file defines, and the seed.

    Raises:
        ConfigError: that is no score.
    """
    options = dict(document["parameters"])
    seed = options.pop("seed", 0)
    if not isinstance(seed, int):
        raise ConfigError(f"seed = {seed!r}", fix="give an integer")
    keys = {key: document[key] for key in KEYS if key in document}
    name = document.get("name", document["score"])
    entry = find_score(document["score"], plugins=plugins)
    for key, value in entry.defaults.items():
        if options.pop(key, value) != value:
            raise ConfigError(f"{key} = {document['parameters'][key]!r} is not the score {name!r}")
    if entry.detector is External:
        options = options.get("parameters") or {}
    if "device" in options:
        options["device"] = _available(options["device"])
    return define_score(name, options | keys, plugins=plugins), seed


def _available(device: Any) -> Any:
    """The device of the fit, or any, where that is not there."""
    try:
        torch_device(device)
    except ConfigError:
        return "auto"
    return device


def _write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One line a row under the names of all; nothing if there are none."""
    if not rows:
        return
    names = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def read_fit_config(directory: Path) -> dict[str, Any]:
    """The configuration of a fit, checked for its form only: nothing that it names is imported.

    Raises:
        InputError: it is missing or broken.
    """
    path = directory / CONFIG
    if not path.is_file():
        raise InputError(
            f"no {CONFIG}", where=directory, fix="give the directory of a fitted score"
        )
    document = read_yaml(path)
    needed = {"score", "parameters"}
    further = {"name", "reads", "map_to", "given", "background", DIGESTS}
    if not (needed <= document.keys() <= needed | further):
        raise InputError(
            "needs the keys 'score' and 'parameters', and no others but 'name', 'reads', 'map_to', "
            f"'given', 'background' and {DIGESTS!r}",
            where=path,
        )
    for key, kind, text in (
        ("parameters", dict, "a mapping"),
        ("background", dict | None, "a mapping"),
        ("name", str, "a text"),
        ("reads", str | list, "a word or a list"),
        ("map_to", str | None, "a word or null"),
        ("given", str, "a word"),
    ):
        if key in document and not isinstance(document[key], kind):
            raise InputError(f"{key!r} is not {text}", where=path)
    if not isinstance((document.get("background") or {}).get("members") or {}, dict):
        raise InputError("'members' is not a mapping", where=path)
    return document
