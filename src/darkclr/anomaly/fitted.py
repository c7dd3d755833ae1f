"""A score that has learned the background: save, load, score."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from darkclr.anomaly.catalogue import Score, create_detector, find_score
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.detectors.external import External
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.training.checkpoint import CHECKPOINT
from darkclr.errors import ConfigError, InputError
from darkclr.io.atomic import atomic_path
from darkclr.jets import Jets
from darkclr.representations import Representations

__all__ = ["FittedScore", "Source", "features", "fit_digest", "is_fitted"]

Source: TypeAlias = Representations | Jets | pa.Table

_WEIGHTS = "model.safetensors"
_CONFIG = "config.yaml"
_HISTORY = "history.csv"
_SAMPLES = "samples.csv"


@dataclass(frozen=True, eq=False)
class FittedScore:
    """A score that has learned the background.

    Args:
        name: of :data:`~darkclr.anomaly.catalogue.SCORES`, or the import path of a detector.
        detector: the fitted estimator.
        background: what it was fitted on, ``Representations.fingerprint()``; None if unknown.
    """

    name: str
    detector: Detector
    background: Mapping[str, Any] | None = None

    def score(self, source: Source) -> NDArray[np.float64]:
        """Anomaly score of each jet, (n,); higher = more anomalous.

        Args:
            source: representations, jets or table of scores, whichever the score reads.

        Raises:
            InputError: rows that do not fit those of the fit, or of another encoder.
        """
        if find_score(self.name).reads == "representations":
            own, other = (self.background or {}).get("encoder"), getattr(source, "encoder", None)
            if None not in (own, other) and own != other:
                raise InputError(
                    f"fitted on representations of the encoder {own}, asked for some of {other}",
                    where=f"score {self.name}",
                    fix="encode the jets with its encoder, or fit it again",
                )
        return self.detector.score_samples(features(find_score(self.name), self.detector, source))

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

    def save(self, directory: str | Path) -> None:
        """Write ``config.yaml``, ``history.csv`` where there is one, then ``model.safetensors``.

        Beside them ``samples.csv`` of a normalized autoencoder: data and samples of the model. The
        checkpoint of the fit is removed.

        Raises:
            InputError: the directory cannot be written.
        """
        directory = Path(directory)
        document = {"score": self.name, "parameters": _parameters(self.detector)}
        if self.background is not None:
            document["background"] = dict(self.background)
        with atomic_path(directory / _CONFIG) as temporary:
            temporary.write_text(yaml.safe_dump(document, sort_keys=False))
        _write_rows(self.detector.history_, directory / _HISTORY)
        if isinstance(self.detector, NormalizedAutoencoder):
            _write_rows(self.detector.sample_table(), directory / _SAMPLES)
        state = {name: np.ascontiguousarray(v) for name, v in self.detector.state().items()}
        with atomic_path(directory / _WEIGHTS) as temporary:
            temporary.write_bytes(save(state))  # its errors are OSError
        (directory / CHECKPOINT).unlink(missing_ok=True)

    @classmethod
    def load(cls, directory: str | Path) -> FittedScore:
        """Read what :meth:`save` wrote. Arrays and plain YAML only: nothing in it is executed.

        The scores are those of the saved detector to the last bit; its history stays in the CSV.
        Detectors of scikit-learn and PyOD travel as the bytes of a ``skops`` archive, of which
        only types of these packages are accepted.

        Raises:
            InputError: missing or broken files, a score or parameters that darkclr does not know.
        """
        directory = Path(directory)
        name, parameters, background = _read_config(directory)
        score = find_score(name)
        seed = parameters.pop("seed", 0)
        own = {key: value for key, value in parameters.items() if key not in score.defaults}
        if score.detector is External:
            own = own.get("parameters") or {}
        try:
            detector = create_detector(name, own, seed=seed)
        except ConfigError as error:
            raise InputError(str(error), where=directory / _CONFIG) from error
        try:
            detector.restore(load_file(directory / _WEIGHTS))
        except FileNotFoundError as error:
            raise InputError(
                f"no {_WEIGHTS}", where=directory, fix="finish the fit first"
            ) from error
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"does not hold the score {name!r} ({reason})",
                where=directory / _WEIGHTS,
                fix="fit it again",
            ) from error
        return cls(name, detector, background)


def is_fitted(
    directory: Path,
    name: str,
    parameters: Mapping[str, Any],
    *,
    seed: int,
    background: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a directory holds the finished fit of this score with these parameters.

    Args:
        directory: that of the score.
        name, parameters, seed: as for :func:`fit_score`.
        background: what it is to be fitted on; what either side does not know is not compared.

    Raises:
        ConfigError: it holds another one, or one on other background.
        InputError: its configuration is broken.
    """
    if not (directory / _WEIGHTS).exists():
        return False
    score, earlier, fitted_on = _read_config(directory)
    wanted = _parameters(create_detector(name, parameters, seed=seed))
    differing = [key for key in wanted if earlier.get(key) != wanted[key]]
    fix = "delete it, or fit into another directory"
    if score != name or differing:
        raise ConfigError(
            f"holds a fit with other parameters ({', '.join(differing) or score})",
            where=directory,
            fix=fix,
        )
    known = (background or {}).keys() & (fitted_on or {}).keys()
    others = [key for key in known if background[key] != fitted_on[key]]  # type: ignore[index]
    if others:
        what = "fits of its members" if others == ["members"] else "background jets"
        raise ConfigError(f"holds a fit on other {what}", where=directory, fix=fix)
    return True


def fit_digest(directory: Path) -> str:
    """Which fit a directory holds: a digest of its parameters, background and weights."""
    content = b"".join((directory / name).read_bytes() for name in (_CONFIG, _WEIGHTS))
    return hashlib.sha256(content).hexdigest()[:16]


def _parameters(detector: Detector) -> dict[str, Any]:
    """Constructor arguments as plain data."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in detector.get_params(deep=False).items()
    }


def features(score: Score, detector: Detector, source: Source) -> NDArray:
    """The columns of the source that the score reads, (n, d) or (n,)."""
    kind = (
        "jets"
        if isinstance(source, Jets)
        else "scores"
        if isinstance(source, pa.Table)
        else "representations"
    )
    if kind != score.reads:
        raise InputError(
            f"the score {score.name!r} reads {score.reads}, not {kind}", fix=f"give {score.reads}"
        )
    if isinstance(source, pa.Table):
        members = detector.get_params(deep=False)["members"]
        missing = [name for name in members if name not in source.column_names]
        if missing:
            raise InputError(
                f"no scores {', '.join(missing)}",
                where=f"score {score.name}",
                fix="fit them too, or name other members",
            )
        source = np.column_stack([source[name].to_numpy() for name in members])
    return score.features(source)


def _write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One line a row under the names of all; nothing if there are none."""
    if not rows:
        return
    names = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _read_config(directory: Path) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Name, parameters, and what it was fitted on if that is known."""
    path = directory / _CONFIG
    if not path.is_file():
        raise InputError(
            f"no {_CONFIG}", where=directory, fix="give the directory of a fitted score"
        )
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot be read as YAML ({reason})", where=path) from error
    if not isinstance(document, dict) or set(document) - {"background"} != {"score", "parameters"}:
        raise InputError("needs the keys 'score' and 'parameters' and no others", where=path)
    name, parameters = document["score"], document["parameters"]
    background = document.get("background")
    try:
        fixed = find_score(str(name)).defaults
    except ConfigError as error:
        raise InputError(f"names no known score: {name!r}", where=path) from error
    if not isinstance(parameters, dict):
        raise InputError("'parameters' is not a mapping", where=path)
    if not isinstance(background, dict | None):
        raise InputError("'background' is not a mapping", where=path)
    for key, value in fixed.items():
        if parameters.get(key, value) != value:
            raise InputError(f"{key} = {parameters[key]!r} is not the score {name!r}", where=path)
    if not isinstance(parameters.get("seed", 0), int):
        raise InputError(f"seed = {parameters['seed']!r}", where=path, fix="give an integer")
    return name, parameters, background
