"""What a score may read of jets: their representations, their constituents, their other scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.conditioning import CONDITIONS, Given
from darkclr.errors import ConfigError, InputError
from darkclr.jet_images import jet_images, smooth_images
from darkclr.jets import Jets
from darkclr.representations import Representations
from darkclr.substructure import (
    OBSERVABLES,
    check_observables,
    energy_flow_polynomials,
    observables,
)

__all__ = [
    "FEATURES",
    "Features",
    "Part",
    "Reads",
    "Rows",
    "ScoreInputs",
    "Source",
    "find_features",
    "matching_jets",
]

Part = Literal["representations", "jets", "scores"]

#: A name of :data:`FEATURES`, or one or more observables of :mod:`darkclr.substructure`.
Reads: TypeAlias = str | Sequence[str]

Source: TypeAlias = Representations | Jets | pa.Table

_WORDS: Mapping[Part, str] = {
    "representations": "representations",
    "jets": "the constituents of the jets",
    "scores": "the scores of other scores",
}


@dataclass(frozen=True)
class Features:
    """Columns that a score reads.

    Args:
        part: where they come from.
        columns: (n, d) or (n,) of it.
    """

    part: Part
    columns: Callable[[Any], NDArray]


#: What a score may read, by name, beside observables and the scores of other scores.
FEATURES: Mapping[str, Features] = MappingProxyType(
    {
        "z": Features("representations", lambda rows: rows.z),
        "pooled": Features("representations", lambda rows: rows.pooled),
        "pt": Features("representations", lambda rows: rows.pt),
        "n_constituents": Features("representations", lambda rows: rows.n_constituents),
        "efp": Features("jets", lambda jets: energy_flow_polynomials(jets.constituents)),
        "images": Features("jets", lambda jets: jet_images(jets.constituents)),
        "smooth_images": Features("jets", lambda jets: smooth_images(jets.constituents)),
    }
)


def find_features(reads: Reads, members: Sequence[str] = ()) -> Features:
    """The columns that a word, or a list of observables, means.

    Args:
        reads: see :data:`Reads`; "scores": those of the members.
        members: names of other scores.

    Raises:
        ConfigError: there are no such features.

    >>> find_features("pooled").part, find_features(["mass", "tau_2"]).part
    ('representations', 'jets')
    """
    if reads == "scores":
        return Features("scores", lambda table: _columns(table, members))
    if isinstance(reads, str) and reads in FEATURES:
        return FEATURES[reads]
    several = isinstance(reads, list | tuple)
    names: tuple[str, ...] = tuple(reads) if several else (str(reads),)
    if not names or not (several or names[0] in OBSERVABLES):
        raise ConfigError(
            f"reads = {reads!r}",
            fix=f"choose of {', '.join(FEATURES)}, or list some of {', '.join(OBSERVABLES)}",
        )
    check_observables(names)
    return Features("jets", lambda jets: observables(jets.constituents, names))


def _columns(table: pa.Table, names: Sequence[str]) -> NDArray:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(
            f"no scores {', '.join(missing)}", fix="fit them too, or name other members"
        )
    return np.column_stack([table[name].to_numpy() for name in names])


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a fit or of jets to score.

    Args:
        X: (n, d) or (n,) columns.
        weight: (n,).
        dropped: (n,) bool, true for anomalous copies of jets.
        encoder: digest of the encoder, where the columns come from one that is known.
        kinematics: (n,) pT and, where it is known, mass of the jets [GeV]; copies have that of
            their jet.
    """

    X: NDArray
    weight: NDArray[np.float64]
    dropped: NDArray[np.bool_]
    encoder: str | None
    kinematics: Mapping[str, NDArray]

    def conditions(self, given: Given, where: object = None) -> NDArray[np.float64]:
        """What a score is given, (n, c) [GeV].

        Raises:
            InputError: the mass of the jets is not known.
        """
        names = CONDITIONS[given]
        if missing := [name for name in names if name not in self.kinematics]:
            raise InputError(
                f"the {missing[0]} of the jets is not known",
                where=where,
                fix="encode the jets again, or take given: pt",
            )
        return np.column_stack([self.kinematics[name] for name in names]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class ScoreInputs:
    """The same jets, as far as a score may read them.

    Args:
        representations: one row a jet, and dropped copies, if any.
        jets: their constituents. Beside representations they are brought into the order of the
            originals among these; there may be more of them.
        scores: table of scores, one row an original jet; all weigh the same if it has no column
            ``weight``.

    Raises:
        InputError: a representation has no jet of its own.
    """

    representations: Representations | None = None
    jets: Jets | None = None
    scores: pa.Table | None = None

    def __post_init__(self) -> None:
        rows = self.representations
        if rows is not None and self.jets is not None:
            object.__setattr__(self, "jets", matching_jets(self.jets, rows[~rows.dropped]))

    @classmethod
    def of(cls, source: ScoreInputs | Source) -> ScoreInputs:
        """Inputs of which a single part is given."""
        if isinstance(source, ScoreInputs):
            return source
        if isinstance(source, Representations):
            return cls(representations=source)
        return cls(jets=source) if isinstance(source, Jets) else cls(scores=source)

    def rows(self, features: Features, where: object = None) -> Rows:
        """The columns that a score reads, with what belongs to their rows.

        Args:
            features: see :func:`find_features`.
            where: name of the score for messages.

        Raises:
            InputError: the part that they come from is not there.
        """
        part = getattr(self, features.part)
        if part is None:
            there = [_WORDS[name] for name in _WORDS if getattr(self, name) is not None]
            raise InputError(
                f"reads {_WORDS[features.part]}, not {' or '.join(there) or 'nothing'}",
                where=where,
                fix={
                    "representations": "encode the jets first",
                    "jets": "give the jets too (`darkclr fit --jets`, or `darkclr score` of jets)",
                    "scores": "give a table of scores",
                }[features.part],
            )
        X = features.columns(part)
        if isinstance(part, pa.Table):
            weighted = "weight" in part.column_names
            weight = part["weight"].to_numpy() if weighted else np.ones(len(part))
        else:
            weight = part.weight
        known = isinstance(part, Representations)
        if isinstance(part, pa.Table):
            names = [name for name in ("pt", "mass") if name in part.column_names]
            kinematics = {name: part[name].to_numpy() for name in names}
        else:
            columns = {name: getattr(part, name) for name in ("pt", "mass")}
            kinematics = {name: x for name, x in columns.items() if x is not None}
        return Rows(
            X,
            np.asarray(weight, dtype=np.float64),
            np.asarray(part.dropped, dtype=bool) if known else np.zeros(len(X), dtype=bool),
            part.encoder if known else None,
            kinematics,
        )


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
