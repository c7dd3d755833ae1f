"""Representations, jets and fitted scores -> the table of scores, one row a jet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.catalogue import SCORES
from darkclr.anomaly.definition import in_order
from darkclr.anomaly.fitted import FittedScore, fit_digest
from darkclr.anomaly.inputs import ScoreInputs
from darkclr.errors import InputError
from darkclr.io.parquet import METADATA_KEY, encode_metadata
from darkclr.jets import Jets
from darkclr.plausibility import refuse_infinite
from darkclr.representations import Representations

__all__ = ["load_scores", "needs_jets", "score_table"]


def score_table(
    samples: Mapping[str, Representations],
    scores: Sequence[FittedScore],
    supervised: Mapping[str, Mapping[str, NDArray]] | None = None,
    jets: Mapping[str, Jets] | None = None,
) -> pa.Table:
    """One row a jet: who it is and its raw scores (higher = more anomalous).

    Args:
        samples: representations by name of the sample; dropped copies are left out.
        scores: fitted scores, one column each, under its name.
        supervised: further columns by name, each by sample, one value an original row.
        jets: the same jets with their constituents, in any order, for scores that read them.

    Returns:
        Columns id ("sample:event:rank"), sample, event, rank, label, weight, pt, n_constituents;
        eta, phi, mass and in_domain if all samples have them; parton_pdg if one has it (0 for the
        jets of the others); and a float64 column for each score. The metadata of the table name
        the titles of the scores, those that are yardsticks (``baselines``), and title and process
        of the ``samples`` where they are known.

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
        for column, of_samples in (supervised or {}).items():
            table = table.append_column(column, pa.array(of_samples[name], pa.float64()))
        tables.append(table)
    metadata = {
        "kind": "scores",
        "titles": {score.name: score.definition.title for score in scores},
        "baselines": [score.name for score in scores if score.definition.entry.baseline],
        "samples": {name: _origin(rows) for name, rows in samples.items()},
    }
    table = pa.concat_tables(tables)
    return table.replace_schema_metadata({METADATA_KEY: encode_metadata(metadata)})


def _origin(rows: Representations) -> dict[str, Any]:
    """Title and process of a sample, as far as its file says them."""
    return {key: rows.provenance[key] for key in ("title", "process") if key in rows.provenance}


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
