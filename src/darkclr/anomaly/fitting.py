"""Background -> fitted scores: one, or all of a configuration in a directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.catalogue import create_detector, default_scores, find_score
from darkclr.anomaly.detector import Progress, check_weights
from darkclr.anomaly.fitted import FittedScore, Source, features, fit_digest, is_fitted
from darkclr.anomaly.scoring import load_scores, matching_jets, needs_jets, score_table
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.io.timings import timed
from darkclr.jets import Jets
from darkclr.reporter import Advance, Reporter, Silent
from darkclr.representations import Representations
from darkclr.split import Split

__all__ = ["check_scores", "fit_score", "fit_scores", "with_members"]


def fit_score(
    name: str,
    parameters: Mapping[str, Any],
    train: Source,
    *,
    seed: int,
    background: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    checkpoint_directory: Path | None = None,
) -> FittedScore:
    """Fit a score on background; labels are not read, weights are.

    Weights that differ go to detectors whose ``fit`` takes ``sample_weight``; for the others the
    rows are drawn again, with replacement and in proportion to their weights.

    Args:
        name: of :data:`~darkclr.anomaly.catalogue.SCORES`, or the import path of a detector.
        parameters: constructor arguments that differ from the defaults.
        train: background, as the score reads it: representations with their dropped copies for
            scores that use them, jets, or a table with the scores of the members.
        seed: of all random numbers.
        background: which representations these are, if ``train`` are their jets or their scores;
            recorded.
        progress: called after each epoch with its row of the history.
        checkpoint_directory: where a training keeps its state after each epoch: called again after
            a crash, the fit goes on from there to the same result.

    Raises:
        ConfigError: unknown score or parameter, or a value out of its range.
        InputError: rows that the score cannot use.
        TrainingError: the training broke down.
    """
    detector = create_detector(name, parameters, seed=seed)
    score = find_score(name)
    X = features(score, detector, train)
    if isinstance(train, pa.Table):
        weight = train["weight"].to_numpy().astype(np.float64)
    else:
        weight = np.asarray(train.weight, dtype=np.float64)
    dropped = np.zeros(len(X), dtype=bool)
    if isinstance(train, Representations):
        dropped = np.asarray(train.dropped, dtype=bool)
    if not score.uses_dropped:
        X, weight, dropped = X[~dropped], weight[~dropped], dropped[~dropped]
    y = dropped.astype(np.int64) if score.uses_dropped else None
    options: dict[str, Any] = {}
    if detector.n_epochs:
        options = {"progress": progress, "checkpoint_directory": checkpoint_directory}
    if len(weight) and not (weight == weight[0]).all():
        if detector.weighted:
            options["sample_weight"] = weight
        else:
            rows = _drawn(weight, dropped, np.random.default_rng(seed))
            X, y = X[rows], None if y is None else y[rows]
    detector.fit(X, y, **options)
    if background is None and isinstance(train, Representations):
        background = train.fingerprint()
    return FittedScore(name, detector, background)


def fit_scores(
    scores: Mapping[str, Mapping[str, Any]] | None,
    representations: Representations,
    directory: str | Path,
    *,
    split: Split,
    jets: Jets | Callable[[], Jets] | None = None,
    encoder: str | None = None,
    seed: int = 0,
    reporter: Reporter = Silent(),
) -> None:
    """Fit scores on background and write each to ``directory/NAME``, with the wall-clock.

    All but combinations are fitted on the training part; combinations on the validation part,
    where the scores of their members are not biased by their fit. What is fitted already, with the
    same parameters on the same jets, stays. A fit that was interrupted goes on from its last epoch.
    One that breaks down keeps none of the others from theirs.

    Args:
        scores: parameters by name of the score; the default ones, :func:`default_scores`, if None.
        representations: background jets of all parts, with their dropped copies.
        directory: that of the scores.
        split: shares of the events.
        jets: the same jets, in any order, for scores that read their constituents; or a function
            that reads them when they are needed.
        encoder: digest of the encoder that the directory belongs to, if it is known.
        seed: of all random numbers.
        reporter: is told of each fit.

    Raises:
        ConfigError: unknown score or parameter, a value out of its range, or a directory with
            another fit.
        InputError: rows that a score cannot use, jets that are missing, another encoder.
        TrainingError: fits that broke down, after all others are done.
    """
    directory = Path(directory)
    chosen = {name: {} for name in default_scores()} if scores is None else dict(scores)
    check_scores(chosen, with_jets=jets is not None)
    if encoder is not None and representations.encoder not in (None, encoder):
        raise InputError(
            f"belongs to another encoder ({encoder}) than the representations "
            f"({representations.encoder})",
            where=directory,
            fix="encode the jets again, or fit into the directory of their encoder",
        )
    reads = {name: find_score(name).reads for name in chosen}
    parts = {part: representations.part(part, split) for part in ("train", "validation")}
    marks = {part: rows.fingerprint() for part, rows in parts.items()}
    part_of = {name: "validation" if reads[name] == "scores" else "train" for name in chosen}
    for name, parameters in list(chosen.items()):
        target, mark = directory / name, marks[part_of[name]]
        if reads[name] != "scores" and is_fitted(
            target, name, parameters, seed=seed, background=mark
        ):
            reporter.line(f"fit {name}: done before")
            del chosen[name]

    @cache
    def constituents() -> Jets:
        assert jets is not None  # checked above
        return jets() if callable(jets) else jets

    failed: dict[str, TrainingError] = {}
    for name, parameters in sorted(chosen.items(), key=lambda item: reads[item[0]] == "scores"):
        target = directory / name
        detector = create_detector(name, parameters)
        rows, mark = parts[part_of[name]], marks[part_of[name]]
        source: Source = rows
        if reads[name] == "jets":
            source = matching_jets(constituents().part("train", split), rows[~rows.dropped])
        elif reads[name] == "scores":
            names = detector.get_params()["members"]
            if lacking := failed.keys() & set(names):  # the reason is told below
                failed[name] = TrainingError(f"no {', '.join(sorted(lacking))}")
                continue
            members = [s for s in load_scores(directory) if s.name in names]
            mark = mark | {"members": {s.name: fit_digest(directory / s.name) for s in members}}
            if is_fitted(target, name, parameters, seed=seed, background=mark):
                reporter.line(f"fit {name}: done before")
                continue
            with_jets = jets is not None and needs_jets(members)
            source = score_table(
                {"": rows}, members, jets={"": constituents()} if with_jets else None
            )
        try:
            with (
                timed(target, "fit"),
                reporter.bar(f"fit {name}", detector.n_epochs or 1, "epochs") as advance,
            ):
                fitted = fit_score(
                    name,
                    parameters,
                    source,
                    seed=seed,
                    background=mark,
                    progress=partial(_epoch_done, advance),
                    checkpoint_directory=target,
                )
                if not detector.n_epochs:
                    advance()
        except TrainingError as error:  # the other scores do not depend on it
            failed[name] = error
        else:
            fitted.save(target)
    if failed:
        first = next(iter(failed.values()))
        raise TrainingError(
            f"{', '.join(failed)} could not be fitted ({first})", where=directory
        ) from first


def check_scores(scores: Mapping[str, Mapping[str, Any]], *, with_jets: bool) -> None:
    """Refuse what cannot be fitted, before anything is read.

    Raises:
        ConfigError: unknown score or parameter, a value out of its range, or a score that reads
            the constituents of jets where there are none.
    """
    for name, parameters in scores.items():
        create_detector(name, parameters)
    wanting = [name for name in scores if find_score(name).reads == "jets"]
    if wanting and not with_jets:
        raise ConfigError(
            f"{', '.join(wanting)} read the constituents of the jets",
            fix="give their file with --jets",
        )


def with_members(
    name: str, scores: Mapping[str, Mapping[str, Any]], directory: Path
) -> dict[str, Mapping[str, Any]]:
    """Parameters of one score out of all, and of its members that are not fitted yet.

    Args:
        name: of the score.
        scores: parameters by name, as far as they differ from the defaults.
        directory: that of the fitted scores.
    """
    chosen = {name: scores.get(name, {})}
    if find_score(name).reads == "scores":
        for member in create_detector(name, chosen[name]).get_params()["members"]:
            if not (directory / member / "model.safetensors").exists():
                chosen[member] = scores.get(member, {})
    return chosen


def _epoch_done(advance: Advance, row: Mapping[str, Any]) -> None:
    advance(1, str(row.get("stage", "")))


def _drawn(weight: NDArray, dropped: NDArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """As many rows of each kind as there are, drawn in proportion to their weights."""
    check_weights(weight, len(weight))
    drawn = []
    for kind in (False, True):
        rows = np.flatnonzero(dropped == kind)
        if len(rows):
            drawn.append(rng.choice(rows, len(rows), p=weight[rows] / weight[rows].sum()))
    return np.concatenate(drawn)
