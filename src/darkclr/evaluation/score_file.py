"""Files of scores: which columns are scores, and what the others must be.

One row a jet. ``sample``, ``event``, ``label`` and ``weight`` are needed, every other column of
floats that does not describe the jet is a score, or the p-value of one (``p_value_SCORE``). The
metadata may say titles of scores and samples.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.documents import regular_file
from darkclr.io.parquet import read_metadata, read_schema, read_table
from darkclr.names import P_VALUE, check_printable

__all__ = ["ScoreFiles", "score_columns"]

# Columns that describe the jet; all other columns of floats are scores.
_JET_COLUMNS = (
    *("id", "sample", "event", "rank", "label", "weight", "pt", "eta", "phi", "mass"),
    *("n_constituents", "parton_pdg"),
)
_REQUIRED = ("sample", "event", "label", "weight")


def score_columns(schema: pa.Schema, where: object = None) -> list[str]:
    """Names of the columns that are scores: floats that neither describe the jet nor are p-values.

    Raises:
        InputError: there is none, or two have the same name.
    """
    floats = [f.name for f in schema if pa.types.is_floating(f.type) and f.name not in _JET_COLUMNS]
    p_values = {f"{P_VALUE}{name}" for name in floats}
    found = [name for name in floats if name not in p_values]
    if not found:
        raise InputError(
            "no score columns",
            where=where,
            fix=f"add a column of floats for each score; it has {schema.names}",
        )
    if twice := {name for name in found if schema.names.count(name) > 1}:
        raise InputError(f"two columns are called {', '.join(sorted(twice))}", where=where)
    return found


class ScoreFiles:
    """Scores of jets in a table, or in files together; a column is read when it is asked for.

    Args:
        source: a table, a Parquet file or several of them; each has the columns of jets, and all
            have the same scores.

    Attributes:
        where: the files, for messages; None of a table.
        names: names of the scores.
        metadata: what the first file says of itself.
        samples: ``title`` and ``process`` of the samples by name, as far as the files say them.

    Raises:
        InputError: no file, one that is given twice, or files that do not go together.
    """

    def __init__(self, source: pa.Table | str | Path | Sequence[str | Path]) -> None:
        if isinstance(source, pa.Table):
            self.where: str | None = None
            self._parts = [_Part(source.schema, source.select)]
        else:
            paths = [Path(p) for p in ([source] if isinstance(source, str | Path) else source)]
            self.where = ", ".join(map(str, paths))
            self._parts = [
                _Part(read_schema(path), partial(read_table, path), path)
                for path in _different(paths)
            ]
        self.names = self._parts[0].scores()
        check_printable(self.names, self.where)
        for part in self._parts[1:]:
            if different := sorted({*self.names} ^ {*part.scores()}):
                raise InputError(
                    f"the scores {', '.join(different)} are not in all files",
                    where=part.where,
                    fix=f"score it anew with the model of {self._parts[0].where}",
                )
        metadata = [read_metadata(part.schema) for part in self._parts]
        self.metadata = metadata[0]
        self.samples: dict[str, dict[str, Any]] = {}
        self._titles: dict[str, str] = {}
        self._baselines: set[str] = set()
        for of_part in metadata:
            self.samples |= of_part.get("samples", {})
            self._titles |= of_part.get("titles", {})
            self._baselines |= {*of_part.get("baselines", ())}
        if not self._titles:  # the files are of a version that did not write them
            catalogue = importlib.import_module("darkclr.anomaly.catalogue").SCORES
            known = [catalogue[name] for name in self.names if name in catalogue]
            self._titles = {score.name: score.title for score in known}
            self._baselines = {score.name for score in known if score.baseline}

    def describe(self, score: str) -> tuple[str, bool]:
        """Title of a score and whether it is a yardstick, as the files say; else name and False."""
        return self._titles.get(score, score), score in self._baselines

    def __contains__(self, name: str) -> bool:
        return any(name in part.schema.names for part in self._parts)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column of all parts; empty fields where a part does not have it.

        Raises:
            InputError: the parts have it in types that do not go together.
        """
        tables = [
            part.read([name])
            if name in part.schema.names
            else pa.table({name: pa.nulls(len(part.read(["label"])))})
            for part in self._parts
        ]
        try:
            return pa.concat_tables(tables, promote_options="default").column(0)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                f"their columns are of different types ({error})",
                where=self.where,
                fix="score them anew with one version of darkclr",
            ) from error

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of finite numbers, (n,).

        Raises:
            InputError: it has NaN, infinite or empty fields.
        """
        values = self[name].to_numpy().astype(np.float64)
        if broken := int(np.sum(~np.isfinite(values))):
            what = f"a score {name!r}" if name in self.names else f"a {name}"
            raise InputError(
                f"{broken} jets have {what} that is NaN or infinite",
                where=self.where,
                fix="fit that score again, or leave the column out",
            )
        return values

    def sample_codes(self) -> tuple[NDArray[np.int32], list[str]]:
        """The sample of each jet as a position in the list of names, in order of appearance."""
        column = self["sample"].cast(pa.string()).combine_chunks().dictionary_encode()
        names = column.dictionary.to_pylist()
        check_printable(names, self.where)
        return column.indices.to_numpy(), names

    def check(self) -> None:
        """Refuse rows that cannot be jets.

        Raises:
            InputError: empty fields, labels that are no integers, weights that are not finite, or
                jets that are in more than one row.
        """
        empty = [name for name in _REQUIRED if self[name].null_count]
        if empty or not pa.types.is_integer(self["label"].type):
            raise InputError(
                f"the columns {empty} have empty fields" if empty else "the labels are no integers",
                where=self.where,
                fix="give label 0 (background), 1 (signal) or -1, and all other columns for each "
                "jet",
            )
        if not np.all(np.isfinite(self["weight"].to_numpy())):
            raise InputError(
                "weights are NaN or infinite", where=self.where, fix="give finite weights"
            )
        if self.where is not None and "id" in self:
            # Their hashes take a fifth of the memory; two of 1e7 collide once in 300 000 times.
            ids = np.concatenate(
                [np.fromiter(map(hash, c.to_pylist()), np.int64) for c in self["id"].chunks]
            )
            if again := len(ids) - len(np.unique(ids)):
                raise InputError(
                    f"{again} jets (id) are in more than one row, and would count again",
                    where=self.where,
                    fix="leave copies out, and give the shards of a sample different event numbers",
                )


@dataclass(frozen=True)
class _Part:
    """A table, or a file that is not read yet."""

    schema: pa.Schema
    read: Callable[[list[str]], pa.Table]
    where: Path | None = None

    def scores(self) -> list[str]:
        """Names of its scores, after a look at the columns of jets."""
        missing = [name for name in _REQUIRED if name not in self.schema.names]
        if missing:
            raise InputError(
                f"missing columns {missing}",
                where=self.where,
                fix=f"give a file of `darkclr score`; it has {self.schema.names}",
            )
        return score_columns(self.schema, self.where)


def _different(paths: Sequence[Path]) -> Sequence[Path]:
    """The same paths, if they are different files."""
    if not paths:
        raise InputError(
            "no files of scores", where="evaluate", fix="name those of background and signal"
        )
    for i, path in enumerate(paths):
        regular_file(path)
        if path.resolve() in [other.resolve() for other in paths[:i]]:
            raise InputError(
                "is given twice, and its jets would count twice", where=path, fix="name it once"
            )
    return paths
