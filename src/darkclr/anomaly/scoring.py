"""Representations, jets and fitted scores -> the table of scores, one row a jet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.catalogue import SCORES
from darkclr.anomaly.definition import in_order
from darkclr.anomaly.fitted import FittedScore, fit_digest
from darkclr.anomaly.inputs import ScoreInputs
from darkclr.anomaly.working_points import BackgroundScores, Calibration
from darkclr.errors import InputError
from darkclr.io.parquet import METADATA_KEY, encode_metadata
from darkclr.jets import Jets
from darkclr.names import P_VALUE
from darkclr.plausibility import refuse_infinite
from darkclr.representations import Representations

__all__ = ["calibrate", "load_scores", "needs_jets", "score_table"]


def score_table(
    samples: Mapping[str, Representations],
    scores: Sequence[FittedScore],
    supervised: Mapping[str, Mapping[str, NDArray]] | None = None,
    jets: Mapping[str, Jets] | None = None,
    *,
    p_values: bool = False,
    working_points: Sequence[float] = (),
) -> pa.Table:
    """One row a jet: who it is and its raw scores (higher = more anomalous).

    Args:
        samples: representations by name of the sample; dropped copies are left out.
        scores: fitted scores, one column each, under its name.
        supervised: further columns by name, each by sample, one value an original row.
        jets: the same jets with their constituents, in any order, for scores that read them.
        p_values: whether there is a column of the p-values of each score that is calibrated.
        working_points: background efficiencies; each gets a column of each score that knows its
            cut.

    Returns:
        Columns id ("sample:event:rank"), sample, event, rank, label, weight, pt, n_constituents;
        eta, phi, mass and in_domain if all samples have them; parton_pdg if one has it (0 for the
        jets of the others); a float64 column for each score; p-values on background as
        ``p_value_SCORE``; and booleans ``passes_SCORE_EFFICIENCY``. The metadata of the table name
        the titles of the scores, those that are yardsticks (``baselines``), the digests of
        ``encoder`` and ``fits``, and title and process of the ``samples`` where they are known.

    Raises:
        InputError: a score reads jets or other scores that are not there.
    """
    by_name = {score.name: score for score in scores}
    scores = [by_name[n] for n in in_order({n: s.definition for n, s in by_name.items()})]
    partons = any(rows.parton_pdg is not None for rows in samples.values())
    kinematics = [
        column
        for column in ("eta", "phi", "mass", "in_domain")
        if all(getattr(rows, column) is not None for rows in samples.values())
    ]
    tables = []
    for name, rows in samples.items():
        kept = rows[~rows.dropped].with_partons(partons)
        columns: dict[str, Any] = {
            "id": [f"{name}:{e}:{r}" for e, r in zip(kept.event, kept.rank, strict=True)],
            "sample": [name] * len(kept),
        }
        columns |= {
            column: getattr(kept, column)
            for column in ("event", "rank", "label", "weight", "pt", "n_constituents")
        }
        columns |= {column: getattr(kept, column) for column in kinematics}
        if kept.parton_pdg is not None:
            columns["parton_pdg"] = kept.parton_pdg
        table = pa.table(columns)
        own = jets[name] if jets is not None and needs_jets(scores) else None
        inputs = ScoreInputs(kept, own)
        for score in scores:
            values = score.score(replace(inputs, scores=table))
            refuse_infinite({f"the score {score.name}": values}, kept.event, kept.rank)
            table = table.append_column(score.name, pa.array(values))
        for score in scores:
            for column, values in _calibrated(score, table, p_values, working_points):
                table = table.append_column(column, pa.array(values))
        for column, of_samples in (supervised or {}).items():
            table = table.append_column(column, pa.array(of_samples[name], pa.float64()))
        tables.append(table)
    encoders = {rows.encoder for rows in samples.values()}
    metadata = {
        "kind": "scores",
        "titles": {score.name: score.definition.title for score in scores},
        "baselines": [score.name for score in scores if score.definition.entry.baseline],
        "samples": {name: _origin(rows) for name, rows in samples.items()},
        "encoder": encoders.pop() if len(encoders) == 1 else None,
        "fits": {score.name: score.digest for score in scores if score.digest is not None},
    }
    table = pa.concat_tables(tables)
    return table.replace_schema_metadata({METADATA_KEY: encode_metadata(metadata)})


def _calibrated(
    score: FittedScore, table: pa.Table, p_values: bool, working_points: Sequence[float]
) -> Iterator[tuple[str, NDArray]]:
    """Columns of p-values and of jets above cuts, as far as the calibration of a score goes."""
    if score.calibration is None:
        return
    values = table[score.name].to_numpy()
    if p_values:
        yield f"{P_VALUE}{score.name}", score.calibration.p_value(values)
    for share in working_points:
        point = score.calibration.point(share)
        if point is not None and point.cut is not None:
            yield f"passes_{score.name}_{share:g}", values >= point.cut


def _origin(rows: Representations) -> dict[str, Any]:
    """Title and process of a sample, as far as its file says them."""
    return {key: rows.provenance[key] for key in ("title", "process") if key in rows.provenance}


def calibrate(
    table: pa.Table,
    scores: Sequence[FittedScore],
    directory: Path,
    *,
    background_efficiencies: Sequence[float],
    minimum_jets: float,
    background: Mapping[str, Any],
) -> dict[str, Calibration]:
    """Working points and p-values of fitted scores, written beside their fits.

    Args:
        table: of :func:`score_table`, of background that the fits have not seen.
        scores: fitted scores that are columns of the table.
        directory: that of the fits.
        background_efficiencies, minimum_jets: see
            :meth:`~darkclr.anomaly.working_points.BackgroundScores.working_point`.
        background: what that background is, in words and numbers.

    Returns:
        By name of the score.

    Raises:
        InputError: there are no jets, or their weights do not add up to more than 0.
    """
    weight, event = table["weight"].to_numpy(), table["event"].to_numpy()
    found = {}
    for score in scores:
        assert score.digest is not None  # they come from a directory
        found[score.name] = Calibration.of(
            BackgroundScores(table[score.name].to_numpy(), weight, event),
            background_efficiencies,
            minimum_jets,
            fit=score.digest,
            background=background,
        )
    for name, calibration in found.items():
        calibration.write(directory / name)
    return found


def needs_jets(scores: Sequence[FittedScore]) -> bool:
    """One of the scores reads the constituents of the jets."""
    return any(score.definition.part == "jets" for score in scores)


def load_scores(
    directory: str | Path,
    names: Collection[str] | None = None,
    *,
    plugins: Collection[str] = (),
) -> list[FittedScore]:
    """Fitted scores of a directory, in the order of the catalogue; others come last.

    Args:
        directory: with one sub-directory a score.
        names: of those that are wanted; all if None.
        plugins: as in :meth:`FittedScore.load`.

    Raises:
        InputError: there are none, one is broken, a combination was fitted with other members, or a
            class that is not among the plugins.
    """
    directory = Path(directory)
    found = {path.parent.name for path in directory.glob("*/model.safetensors")}
    wanted = found if names is None else found & set(names)
    ordered = [name for name in SCORES if name in wanted] + sorted(wanted - SCORES.keys())
    if directory.parent.is_file():
        fix = "give the directory with `encoder` and `scores`"
        raise InputError("is a file", where=directory.parent, fix=fix)
    if not found:
        raise InputError("holds no fitted scores", where=directory, fix="run `darkclr fit` first")
    fitted = [FittedScore.load(directory / name, plugins=plugins) for name in ordered]
    names = [score.name for score in fitted]
    for score, folder in zip(fitted, ordered, strict=True):
        if names.count(score.name) > 1 and score.name != folder:
            raise InputError(
                f"holds another fit of the score {score.name!r}",
                where=directory / folder,
                fix="remove it, or give its configuration the name of the folder",
            )
    for score in fitted:
        for member, digest in ((score.background or {}).get("members") or {}).items():
            if member not in found or fit_digest(directory / member) != digest:
                raise InputError(
                    f"holds a fit on other fits of its members ({member})",
                    where=directory / score.name,
                    fix="delete it and fit it again",
                )
    return fitted
