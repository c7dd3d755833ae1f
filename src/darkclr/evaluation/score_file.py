"""Files of scores: which columns are scores, and what the others must be.

One row a jet. ``sample``, ``event``, ``label`` and ``weight`` are needed, every other column of
floats that does not describe the jet is a score.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.parquet import METADATA_KEY, encode_metadata, read_metadata, read_table

__all__ = [
    "described_samples",
    "described_score",
    "jet_columns",
    "parton_pdg",
    "read_scores",
    "score_columns",
]

# Columns that describe the jet; all other columns of floats are scores.
_JET_COLUMNS = (
    *("id", "sample", "event", "rank", "label", "weight", "pt", "eta", "phi", "mass"),
    *("n_constituents", "parton_pdg"),
)
_REQUIRED = ("sample", "event", "label", "weight")


def score_columns(table: pa.Table, where: object = None) -> dict[str, int]:
    """Names and positions of the columns that are scores: floats that do not describe the jet.

    Raises:
        InputError: there is none.
    """
    found = {
        field.name: position
        for position, field in enumerate(table.schema)
        if pa.types.is_floating(field.type) and field.name not in _JET_COLUMNS
    }
    if not found:
        raise InputError(
            "no score columns",
            where=where,
            fix=f"add a column of floats for each score; it has {table.column_names}",
        )
    return found


def described_score(table: pa.Table, name: str) -> tuple[str, bool]:
    """Title of a score and whether it is a yardstick, as the file says; else its name and False.

    Files that were written before files said so are read with the catalogue of scores.
    """
    metadata = read_metadata(table)
    if "titles" in metadata:
        return str(metadata["titles"].get(name, name)), name in metadata.get("baselines", ())
    score = importlib.import_module("darkclr.anomaly.catalogue").SCORES.get(name)
    return (name, False) if score is None else (score.title, score.baseline)


def described_samples(table: pa.Table) -> dict[str, dict[str, Any]]:
    """What the file says of its samples, by name: ``title`` and ``process``, if it does."""
    return read_metadata(table).get("samples", {})


def read_scores(paths: Sequence[Path]) -> pa.Table:
    """The rows of all files; each has the columns of jets, and all have the same scores.

    Raises:
        InputError: no file, one that is given twice, files that do not go together, or that hold
            the same jets.
    """
    if not paths:
        raise InputError(
            "no files of scores", where="evaluate", fix="name those of background and signal"
        )
    tables: dict[Path, pa.Table] = {}
    for path in paths:
        if path.resolve() in tables:
            raise InputError(
                "is given twice, and its jets would count twice", where=path, fix="name it once"
            )
        table = tables[path.resolve()] = read_table(path)
        jet_columns(table, path)
        found, first = (score_columns(t, path).keys() for t in (table, next(iter(tables.values()))))
        if different := sorted(found ^ first):
            raise InputError(
                f"the scores {', '.join(different)} are not in all files",
                where=path,
                fix=f"score it anew with the model of {paths[0]}",
            )
    try:
        # Some samples know their partons, others do not.
        joined = pa.concat_tables(tables.values(), promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(
            f"their columns are of different types ({error})",
            where=", ".join(map(str, paths)),
            fix="score them anew with one version of darkclr",
        ) from error
    joined = joined.replace_schema_metadata(
        {METADATA_KEY: encode_metadata(_joined(tables.values()))}
    )
    if "id" in joined.column_names:
        again = len(joined) - pc.count_distinct(joined["id"]).as_py()
        if again:
            raise InputError(
                f"{again} jets (id) are in more than one row, and would count again",
                where=", ".join(map(str, paths)),
                fix="leave copies out, and give the shards of a sample different event numbers",
            )
    return joined


def _joined(tables: Iterable[pa.Table]) -> dict[str, Any]:
    """The metadata of the first file, with the titles, yardsticks and samples of all."""
    first, *others = [read_metadata(table) for table in tables]
    for other in others:
        for key in ("titles", "samples"):
            if key in other:
                first[key] = first.get(key, {}) | other[key]
        if "baselines" in other:
            first["baselines"] = sorted({*first.get("baselines", ()), *other["baselines"]})
    return first


def jet_columns(table: pa.Table, where: object) -> dict[str, NDArray]:
    """Sample, event, label and weight of each jet, (n,) each, by name.

    Raises:
        InputError: one is missing or has empty fields, labels are no integers, weights no weights.
    """
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise InputError(
            f"missing columns {missing}",
            where=where,
            fix=f"give a file of `darkclr score`; it has {table.column_names}",
        )
    columns = {name: table.column(table.column_names.index(name)) for name in _REQUIRED}
    empty = [name for name, column in columns.items() if column.null_count]
    if empty or not pa.types.is_integer(columns["label"].type):
        raise InputError(
            f"the columns {empty} have empty fields" if empty else "the labels are no integers",
            where=where,
            fix="give label 0 (background), 1 (signal) or -1, and all other columns for each jet",
        )
    columns = {name: column.to_numpy() for name, column in columns.items()}
    weight = columns["weight"]
    if not np.all(np.isfinite(weight)) or np.any(weight < 0):
        raise InputError(
            "weights are NaN, infinite or negative",
            where=where,
            fix="give finite weights of at least 0",
        )
    return columns


def parton_pdg(table: pa.Table, where: object) -> NDArray:
    """PDG code of the parton of each jet, 0 where none is known, (n,).

    Raises:
        InputError: no such column.
    """
    if "parton_pdg" not in table.column_names:
        raise InputError(
            "no column parton_pdg: quark and gluon jets cannot be told apart",
            where=where,
            fix="encode and score a simulated sample anew, or set gluon_share: null",
        )
    return table["parton_pdg"].fill_null(0).to_numpy()
