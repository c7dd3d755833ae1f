"""The anomaly scores by name: fit on representations, save, load, score."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from jsonargparse import ArgumentError, ArgumentParser
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from darkclr.anomaly.autoencoder import Autoencoder
from darkclr.anomaly.checkpoint import CHECKPOINT
from darkclr.anomaly.detector import Detector, Progress
from darkclr.anomaly.discriminant import Discriminant
from darkclr.anomaly.norm import Column, Norm
from darkclr.anomaly.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.normalized_presets import NORMALIZED_AUTOENCODERS
from darkclr.errors import ConfigError, InputError
from darkclr.io.atomic import atomic_path

if TYPE_CHECKING:  # representations need the encoder; fitting a score does not
    from darkclr.contrastive.representations import Representations

__all__ = ["SCORES", "FittedScore", "Score", "create_detector", "fit_score"]

_WEIGHTS = "model.safetensors"
_CONFIG = "config.yaml"
_HISTORY = "history.csv"
_SAMPLES = "samples.csv"


@dataclass(frozen=True)
class Score:
    """An anomaly score that users call by name.

    Args:
        name: in configurations, files and columns.
        title: label in tables and plots.
        detector: class of the estimator.
        features: the columns it reads, (n, d) or (n,).
        summary: one sentence for a user.
        reference: paper and equation.
        defaults: constructor arguments by which the entry differs from the class.
        presets: further arguments that it starts from, and that a user may change.
        uses_dropped: the fit also sees dropped copies, as y = 1.
        baseline: a yardstick rather than a proposal.
    """

    name: str
    title: str
    detector: type[Detector]
    features: Callable[[Representations], NDArray]
    summary: str
    reference: str
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    presets: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    uses_dropped: bool = False
    baseline: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """What a user may set: the constructor's arguments that the entry does not fix."""
        names = inspect.signature(self.detector).parameters
        return tuple(name for name in names if name != "seed" and name not in self.defaults)


def _z(representations: Representations) -> NDArray:
    return representations.z


def _pooled(representations: Representations) -> NDArray:
    return representations.pooled


def _n_constituents(representations: Representations) -> NDArray:
    return representations.n_constituents


def _pt(representations: Representations) -> NDArray:
    return representations.pt


_PAPER = "arXiv:2312.03067"

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        score.name: score
        for score in (
            Score(
                "norm",
                "s_CLR = ‖z‖",
                Norm,
                _z,
                "Norm of the representation: the contrastive training shrinks background.",
                f"{_PAPER} eq. 6",
            ),
            Score(
                "discriminant",
                "discriminant of dropped copies",
                Discriminant,
                _pooled,
                "Linear direction from background jets to their own dropped copies.",
                "Fisher's discriminant on the pooled representation",
                uses_dropped=True,
            ),
            Score(
                "autoencoder",
                "s_AE",
                Autoencoder,
                _z,
                "Reconstruction error of an autoencoder.",
                f"{_PAPER} section 4",
                baseline=True,
            ),
            *(
                Score(
                    preset.name,
                    preset.title,
                    NormalizedAutoencoder,
                    _z,
                    preset.summary,
                    preset.reference,
                    defaults=preset.fixed,
                    presets=preset.start,
                    uses_dropped=True,
                )
                for preset in NORMALIZED_AUTOENCODERS
            ),
            Score(
                "few_constituents",
                "number of constituents",
                Column,
                _n_constituents,
                "Fewer constituents are more anomalous: invisible dark hadrons are missing.",
                f"{_PAPER} section 2",
                defaults={"sign": -1},
                baseline=True,
            ),
            Score(
                "jet_pt",
                "jet pT",
                Column,
                _pt,
                "Harder jets are more anomalous: the background's spectrum falls steeply.",
                "yardstick",
                defaults={"sign": 1},
                baseline=True,
            ),
        )
    }
)


def create_detector(name: str, parameters: Mapping[str, Any], *, seed: int = 0) -> Detector:
    """The unfitted estimator of a score.

    Args:
        name: of :data:`SCORES`.
        parameters: constructor arguments that differ from the defaults.
        seed: of the estimators that draw random numbers.

    Raises:
        ConfigError: unknown score or parameter, or a value of the wrong type.

    >>> create_detector("nae", {"epochs": 3, "burn_in": 0}).initialisation
    'data'
    """
    if name not in SCORES:
        raise ConfigError(f"no score {name!r}", where="scores", mend=f"choose of {list(SCORES)}")
    score = SCORES[name]
    allowed = score.parameters
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise ConfigError(
            f"no parameter {', '.join(map(repr, unknown))}",
            where=f"score {name}",
            mend=f"it has {', '.join(allowed) if allowed else 'none'}",
        )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(score.detector)
    try:
        checked = parser.parse_object({**score.presets, **parameters, **score.defaults}).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(reason, where=f"score {name}", mend="correct the value") from error
    if "seed" in checked:
        checked["seed"] = seed
    return score.detector(**checked)


@dataclass(frozen=True, eq=False)
class FittedScore:
    """A score that has learned the background.

    Args:
        name: of :data:`SCORES`.
        detector: the fitted estimator.
    """

    name: str
    detector: Detector

    def score(self, representations: Representations) -> NDArray[np.float64]:
        """Anomaly score of each jet, (n,); higher = more anomalous.

        Raises:
            InputError: representations that do not fit those of the fit.
        """
        return self.detector.score_samples(SCORES[self.name].features(representations))

    def save(self, directory: str | Path) -> None:
        """Write ``config.yaml``, ``history.csv`` where there is one, then ``model.safetensors``.

        Beside them ``samples.csv`` of a normalized autoencoder: data and samples of the model. The
        checkpoint of the fit is removed.

        Raises:
            InputError: the directory cannot be written.
        """
        directory = Path(directory)
        parameters = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.detector.get_params(deep=False).items()
        }
        document = {"score": self.name, "parameters": parameters}
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

        Raises:
            InputError: missing or broken files, a score or parameters that darkclr does not know.
        """
        directory = Path(directory)
        name, parameters = _read_config(directory)
        score = SCORES[name]
        seed = parameters.pop("seed", 0)
        own = {key: value for key, value in parameters.items() if key not in score.defaults}
        try:
            detector = create_detector(name, own, seed=seed)
        except ConfigError as error:
            raise InputError(str(error), where=directory / _CONFIG) from error
        try:
            detector.restore(load_file(directory / _WEIGHTS))
        except FileNotFoundError as error:
            raise InputError(
                f"no {_WEIGHTS}", where=directory, mend="finish the fit first"
            ) from error
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"does not hold the score {name!r} ({reason})",
                where=directory / _WEIGHTS,
                mend="fit it again",
            ) from error
        return cls(name, detector)


def fit_score(
    name: str,
    parameters: Mapping[str, Any],
    train: Representations,
    *,
    seed: int,
    progress: Progress | None = None,
    checkpoint_directory: Path | None = None,
) -> FittedScore:
    """Fit a score on background representations; labels are not read.

    Args:
        name: of :data:`SCORES`.
        parameters: constructor arguments that differ from the defaults.
        train: background jets, with their dropped copies for scores that use them.
        seed: of all random numbers.
        progress: called after each epoch with its row of the history.
        checkpoint_directory: where scores that are trained by epochs keep their state after each:
            called again after a crash, the fit goes on from there to the same result.

    Raises:
        ConfigError: unknown score or parameter, or a value out of its range.
        InputError: representations that the score cannot use.
        TrainingError: the training broke down.
    """
    detector = create_detector(name, parameters, seed=seed)
    score = SCORES[name]
    dropped = np.asarray(train.dropped, dtype=bool)
    rows = train if score.uses_dropped else train[~dropped]
    y = dropped.astype(np.int64) if score.uses_dropped else None
    options: dict[str, Any] = {"progress": progress}
    if isinstance(detector, Autoencoder):
        options["checkpoint_directory"] = checkpoint_directory
    detector.fit(score.features(rows), y, **options)
    return FittedScore(name, detector)


def _write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One line a row under the names of all; nothing if there are none."""
    if not rows:
        return
    names = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _read_config(directory: Path) -> tuple[str, dict[str, Any]]:
    path = directory / _CONFIG
    if not path.is_file():
        raise InputError(
            f"no {_CONFIG}", where=directory, mend="give the directory of a fitted score"
        )
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot be read as YAML ({reason})", where=path) from error
    if not isinstance(document, dict) or set(document) != {"score", "parameters"}:
        raise InputError("needs exactly the keys 'score' and 'parameters'", where=path)
    name, parameters = document["score"], document["parameters"]
    if not isinstance(name, str) or name not in SCORES:
        raise InputError(
            f"names no known score: {name!r}", where=path, mend=f"known: {list(SCORES)}"
        )
    if not isinstance(parameters, dict):
        raise InputError("'parameters' is not a mapping", where=path)
    fixed = SCORES[name].defaults
    for key, value in fixed.items():
        if parameters.get(key, value) != value:
            raise InputError(f"{key} = {parameters[key]!r} is not the score {name!r}", where=path)
    if not isinstance(parameters.get("seed", 0), int):
        raise InputError(f"seed = {parameters['seed']!r}", where=path, mend="give an integer")
    return name, parameters
