"""Background -> fitted scores: one, or all of a configuration in a directory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.anomaly.catalogue import default_scores
from darkclr.anomaly.conditioning import ConditionalPValue, Conditioning, Residual
from darkclr.anomaly.definition import ScoreDefinition, define_score, in_order
from darkclr.anomaly.detector import Progress, Seeded, check_weights
from darkclr.anomaly.fitted import FittedScore, fit_digest, is_fitted
from darkclr.anomaly.inputs import ScoreInputs, Source
from darkclr.anomaly.normal_map import NormalMap
from darkclr.anomaly.scoring import load_scores, needs_jets, score_table
from darkclr.contamination import CONTAMINATION, Contamination, SignalFilter
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.io.timings import timed
from darkclr.jets import Jets
from darkclr.reporter import Advance, Reporter, Silent
from darkclr.representations import Representations
from darkclr.split import Split

__all__ = ["check_scores", "fit_score", "fit_scores", "with_members"]

logger = logging.getLogger(__name__)


def fit_score(
    name: str,
    options: Mapping[str, Any],
    train: ScoreInputs | Source,
    *,
    seed: int,
    background: Mapping[str, Any] | None = None,
    calibration: ScoreInputs | Source | None = None,
    progress: Progress | None = None,
    checkpoint_directory: Path | None = None,
) -> FittedScore:
    """Fit a score on background; labels are not read, weights are.

    Weights that differ go to detectors whose ``fit`` takes ``sample_weight``; for the others the
    rows are drawn again, with replacement and in proportion to their weights.

    Args:
        name: of the score.
        options: what it is, what it reads, and parameters that differ from the defaults, see
            :func:`~darkclr.anomaly.definition.define_score`.
        train: background: what the score may read, or just the part that it reads.
        seed: of all random numbers.
        background: which representations these are, where the score does not read them; recorded.
        calibration: background that the fit does not see, on which a score that is ``given`` pT
            learns its p-value. ``train`` joins it if its scores have the same distribution, which
            those of detectors that know their training jets by heart do not. By default ``train``
            alone.
        progress: called after each epoch with its row of the history.
        checkpoint_directory: where a training keeps its state after each epoch: called again after
            a crash, the fit goes on from there to the same result.

    Raises:
        ConfigError: unknown score or parameter, or a value out of its range.
        InputError: rows that the score cannot use, or a part that is missing.
        TrainingError: the training broke down.
    """
    definition, inputs = define_score(name, options), ScoreInputs.of(train)
    detector = definition.detector(seed)
    rows = inputs.rows(definition.features, f"score {name}")
    X, weight, dropped = rows.X, rows.weight, rows.dropped
    normal_map = residual = None
    if definition.map_to is not None:
        index = np.flatnonzero(~dropped)
        if not _all_equal(weight[index]):
            index = index[_drawn(weight[index], dropped[index], np.random.default_rng(seed))]
        normal_map = NormalMap().fit(X[index])
        X = normal_map(X)
    if definition.given is not None and detector.reads_residuals:
        conditions = rows.conditions(definition.given, f"score {name}")
        own = ~dropped
        residual = Residual().fit(X[own], conditions[own], weight[own])
        X = residual(X, conditions)
    uses_dropped = definition.entry.uses_dropped
    if not uses_dropped:
        X, weight, dropped = X[~dropped], weight[~dropped], dropped[~dropped]
    y = dropped.astype(np.int64) if uses_dropped else None
    how: dict[str, Any] = {}
    if detector.n_epochs:
        how = {"progress": progress, "checkpoint_directory": checkpoint_directory}
    if not _all_equal(weight):
        if detector.weighted:
            how["sample_weight"] = weight
        else:
            drawn = _drawn(weight, dropped, np.random.default_rng(seed))
            X, y = X[drawn], None if y is None else y[drawn]
    detector.fit(X, y, **how)
    if background is None and inputs.representations is not None:
        background = inputs.representations.fingerprint()
    fitted = FittedScore(definition, detector, background, normal_map)
    if definition.given is None:
        return fitted
    parts = [inputs] if calibration is None else [ScoreInputs.of(calibration), inputs]
    return replace(fitted, conditioning=_conditioned(fitted, residual, parts))


def _conditioned(
    fitted: FittedScore, residual: Residual | None, parts: Sequence[ScoreInputs]
) -> Conditioning:
    """The p-value of a score on the first part of background given pT; on all that are like it."""
    definition, where = fitted.definition, f"score {fitted.name}"
    assert definition.given is not None
    columns: list[tuple[NDArray, NDArray, NDArray]] = []
    p_value = ConditionalPValue()
    for part in parts:
        rows = part.rows(definition.features, where)
        own = ~rows.dropped
        X, conditions = rows.X[own], rows.conditions(definition.given, where)[own]
        X = X if fitted.normal_map is None else fitted.normal_map(X)
        score = fitted.detector.score_samples(X if residual is None else residual(X, conditions))
        found = (score, conditions, rows.weight[own])
        if columns and not p_value.alike(columns[0], found):
            logger.info("%s learns its p-value on %d jets apart", where, len(columns[0][0]))
            continue
        columns.append(found)
        p_value.fit(*map(np.concatenate, zip(*columns, strict=True)))
    if uneven := p_value.unevenness(*map(np.concatenate, zip(*columns, strict=True))):
        logger.warning(
            "%s is not flat given pT: above a cut of 10 %% are %.1f to %.1f %% of the background, "
            "depending on its pT; many jets may share its largest value",
            where,
            *(100 * share for share in uneven),
        )
    return Conditioning(p_value, residual)


def fit_scores(
    scores: Mapping[str, Mapping[str, Any]] | None,
    representations: Representations,
    directory: str | Path,
    *,
    split: Split,
    jets: Jets | Callable[[], Jets] | None = None,
    encoder: str | None = None,
    seed: int = Seeded.seed,
    contamination: Contamination = CONTAMINATION,
    reporter: Reporter = Silent(),
) -> None:
    """Fit scores on background and write each to ``directory/NAME``, with the wall-clock.

    All but combinations are fitted on the training part; combinations on the validation part,
    where the scores of their members are not biased by their fit. There, too, scores that are
    ``given`` pT learn their p-value, and on the training part if its scores are like those (see
    :func:`fit_score`). What is fitted already, with the same parameters on the same jets, stays. A
    fit that was interrupted goes on from its last epoch. One that breaks down keeps none of the
    others from theirs. Jets of label 1, signal, are left out.

    Args:
        scores: options by name of the score, see
            :func:`~darkclr.anomaly.definition.define_score`; the default scores if None.
        representations: background jets of all parts, with their dropped copies.
        directory: that of the scores.
        split: shares of the events.
        jets: the same jets, in any order, for scores that read their constituents; or a function
            that reads them when they are needed.
        encoder: digest of the encoder that the directory belongs to, if it is known.
        seed: of all random numbers.
        contamination: share of signal among the training jets, for the study of just that.
        reporter: is told of each fit.

    Raises:
        ConfigError: unknown score or parameter, a value out of its range, or a directory with
            another fit.
        InputError: rows that a score cannot use, jets that are missing, another encoder.
        TrainingError: fits that broke down, after all others are done.
    """
    directory = Path(directory)
    chosen = {name: {} for name in default_scores()} if scores is None else dict(scores)
    definitions = check_scores(chosen, with_jets=jets is not None)
    # Whoever names a score trusts its class.
    plugins = {definition.entry.name for definition in definitions.values()}
    if encoder is not None and representations.encoder not in (None, encoder):
        raise InputError(
            f"belongs to another encoder ({encoder}) than the representations "
            f"({representations.encoder})",
            where=directory,
            fix="encode the jets again, or fit into the directory of their encoder",
        )
    parts = {part: representations.part(part, split) for part in ("train", "validation")}
    chosen_rows = SignalFilter(contamination, [parts["train"]])
    (parts["train"],) = chosen_rows.of([parts["train"]])
    if chosen_rows.left_out:
        reporter.line(chosen_rows.sentence())
    parts["validation"] = chosen_rows(parts["validation"])
    marks = {part: rows.fingerprint() for part, rows in parts.items()}
    for name, definition in list(definitions.items()):
        if not definition.members and is_fitted(
            directory / name, definition, seed=seed, background=marks["train"]
        ):
            reporter.line(f"fit {name}: done before")
            del definitions[name]

    @cache
    def constituents() -> Jets:
        assert jets is not None  # checked above
        return jets() if callable(jets) else jets

    failed: dict[str, TrainingError] = {}
    for name in in_order(definitions):
        definition, target = definitions[name], directory / name
        part = "validation" if definition.members else "train"
        rows, mark = parts[part], marks[part]
        inputs = ScoreInputs(rows, constituents() if definition.part == "jets" else None)
        if definition.members:
            if lacking := failed.keys() & set(definition.members):  # the reason is told below
                failed[name] = TrainingError(f"no {', '.join(sorted(lacking))}")
                continue
            members = load_scores(directory, definition.members, plugins=plugins)
            mark = mark | {"members": {s.name: fit_digest(directory / s.name) for s in members}}
            if is_fitted(target, definition, seed=seed, background=mark):
                reporter.line(f"fit {name}: done before")
                continue
            with_jets = jets is not None and needs_jets(members)
            own = {"": constituents()} if with_jets else None
            inputs = ScoreInputs(rows, scores=score_table({"": rows}, members, jets=own))
        calibration = None
        if definition.given is not None and not definition.members:
            calibration = replace(
                inputs,
                representations=parts["validation"],
                jets=constituents() if definition.part == "jets" else None,
            )
        epochs = definition.detector().n_epochs
        try:
            with (
                timed(target, "fit"),
                reporter.bar(f"fit {name}", epochs or 1, "epochs") as advance,
            ):
                fitted = fit_score(
                    name,
                    chosen[name],
                    inputs,
                    seed=seed,
                    background=mark,
                    calibration=calibration,
                    progress=partial(_epoch_done, advance),
                    checkpoint_directory=target,
                )
                if not epochs:
                    advance()
        except TrainingError as error:  # the other scores do not depend on it
            failed[name] = error
        else:
            fitted.save(target)
            if fitted.verdict is not None:
                reporter.line(f"{name}: {fitted.verdict.sentence()}")
    if failed:
        first = next(iter(failed.values()))
        raise TrainingError(
            f"{', '.join(failed)} could not be fitted ({first})", where=directory
        ) from first


def check_scores(
    scores: Mapping[str, Mapping[str, Any]], *, with_jets: bool
) -> dict[str, ScoreDefinition]:
    """The definitions of scores; what cannot be fitted is refused before anything is read.

    Raises:
        ConfigError: unknown score or parameter, a value out of its range, or a score that reads
            the constituents of jets where there are none.
    """
    definitions = {name: define_score(name, options) for name, options in scores.items()}
    wanting = [name for name, score in definitions.items() if score.part == "jets"]
    if wanting and not with_jets:
        raise ConfigError(
            f"{', '.join(wanting)} read the constituents of the jets",
            fix="give their file with --jets",
        )
    return definitions


def with_members(
    name: str, scores: Mapping[str, Mapping[str, Any]], directory: Path
) -> dict[str, Mapping[str, Any]]:
    """Options of one score out of all, and of its members that are not fitted yet.

    Args:
        name: of the score.
        scores: options by name, as far as they differ from the defaults.
        directory: that of the fitted scores.
    """
    chosen = {name: scores.get(name, {})}
    for member in define_score(name, chosen[name]).members:
        if not (directory / member / "model.safetensors").exists():
            chosen |= with_members(member, scores, directory)
    return chosen


def _epoch_done(advance: Advance, row: Mapping[str, Any]) -> None:
    advance(1, str(row.get("stage", "")))


def _all_equal(weight: NDArray) -> bool:
    return len(weight) == 0 or bool((weight == weight[0]).all())


def _drawn(weight: NDArray, dropped: NDArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """As many rows of each kind as there are, drawn in proportion to their weights."""
    check_weights(weight, len(weight))
    drawn = []
    for kind in (False, True):
        rows = np.flatnonzero(dropped == kind)
        if len(rows):
            drawn.append(rng.choice(rows, len(rows), p=weight[rows] / weight[rows].sum()))
    return np.concatenate(drawn)
