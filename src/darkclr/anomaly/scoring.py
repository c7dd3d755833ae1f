"""Representations, jets and fitted scores -> the table of scores, one row a jet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.catalogue import SCORES, find_score
from darkclr.anomaly.fitted import FittedScore, fit_digest
from darkclr.errors import InputError
from darkclr.io.parquet import METADATA_KEY, encode_metadata
from darkclr.jets import Jets
from darkclr.representations import Representations

__all__ = ["load_scores", "matching_jets", "needs_jets", "score_table"]


def score_table(
    samples: Mapping[str, Representations],
    scores: Sequence[FittedScore],
    supervised: Mapping[str, NDArray] | None = None,
    jets: Mapping[str, Jets] | None = None,
) -> pa.Table:
    """One row a jet: who it is and its raw scores (higher = more anomalous).

    Args:
        samples: representations by name of the sample; dropped copies are left out.
        scores: fitted scores, one column each, named as in the registry.
        supervised: a further column ``supervised`` by sample, one value an original row.
        jets: the same jets with their constituents, in any order, for scores that read them.

    Returns:
        Columns id ("sample:event:rank"), sample, event, rank, label, weight, pt, n_constituents;
        eta, phi and mass if all samples have them; parton_pdg if one has it (0 for the jets of the
        others); and a float64 column for each score. The metadata of the table name the titles of
        the scores, those that are yardsticks (``baselines``), and title and process of the
        ``samples`` where they are known.

    Raises:
        InputError: a score reads jets or other scores that are not there.
    """
    # Those that read the columns of others come after them.
    scores = sorted(scores, key=lambda score: find_score(score.name).reads == "scores")
    partons = any(rows.parton_pdg is not None for rows in samples.values())
    kinematics = [
        column
        for column in ("eta", "phi", "mass")
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
        own = None if jets is None or not needs_jets(scores) else matching_jets(jets[name], kept)
        for score in scores:
            reads = find_score(score.name).reads
            if reads == "jets" and own is None:
                raise InputError(
                    f"the score {score.name!r} reads the constituents of the jets",
                    where=name,
                    fix="give the file of jets instead of that of representations",
                )
            source = {"representations": kept, "jets": own, "scores": table}[reads]
            table = table.append_column(score.name, pa.array(score.score(source)))
        if supervised is not None:
            table = table.append_column("supervised", pa.array(supervised[name], pa.float64()))
        tables.append(table)
    metadata = {
        "kind": "scores",
        "titles": {score.name: find_score(score.name).title for score in scores},
        "baselines": [score.name for score in scores if find_score(score.name).baseline],
        "samples": {name: _origin(rows) for name, rows in samples.items()},
    }
    table = pa.concat_tables(tables)
    return table.replace_schema_metadata({METADATA_KEY: encode_metadata(metadata)})


def _origin(rows: Representations) -> dict[str, Any]:
    """Title and process of a sample, as far as its file says them."""
    return {key: rows.provenance[key] for key in ("title", "process") if key in rows.provenance}


def needs_jets(scores: Sequence[FittedScore]) -> bool:
    """One of the scores reads the constituents of the jets."""
    return any(find_score(score.name).reads == "jets" for score in scores)


def matching_jets(jets: Jets, rows: Representations) -> Jets:
    """The jets of the rows, in their order; they are recognised by event and rank.

    Raises:
        InputError: a row has no jet, or several, or one with another number of constituents.
    """
    own, wanted = (np.stack([x.event, x.rank], axis=1) for x in (jets, rows))
    if not np.array_equal(own, wanted):
        _, code = np.unique(np.concatenate([own, wanted]), axis=0, return_inverse=True)
        of_jets, of_rows = np.split(code.ravel(), [len(jets)])
        order = np.argsort(of_jets, kind="stable")
        found = np.searchsorted(of_jets[order], of_rows)
        several = np.bincount(of_jets, minlength=code.max() + 1)[of_rows]
        if (several != 1).any():
            raise InputError(
                f"{int((several != 1).sum())} of {len(rows)} representations have no jet of their "
                "own (event and rank)",
                where="jets",
                fix="give the file that was encoded",
            )
        jets = jets[order[found]]
    if not np.array_equal(jets.n_constituents, rows.n_constituents):
        raise InputError(
            "other numbers of constituents than the representations",
            where="jets",
            fix="give the file that was encoded",
        )
    return jets


def load_scores(directory: str | Path) -> list[FittedScore]:
    """All scores of a model directory, in the order of the registry; those by path come last.

    Raises:
        InputError: there are none, one is broken, or a combination was fitted with other members.
    """
    directory = Path(directory)
    found = {path.parent.name for path in directory.glob("*/model.safetensors")}
    names = [name for name in SCORES if name in found] + sorted(found - SCORES.keys())
    if not names:
        raise InputError("holds no fitted scores", where=directory, fix="run `darkclr fit` first")
    fitted = [FittedScore.load(directory / name) for name in names]
    for score in fitted:
        for member, digest in ((score.background or {}).get("members") or {}).items():
            if member not in found or fit_digest(directory / member) != digest:
                raise InputError(
                    f"holds a fit on other fits of its members ({member})",
                    where=directory / score.name,
                    fix="delete it and fit it again",
                )
    return fitted
