"""The jets that a model knows: their window, radius and detector; and which others lie outside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.jets import Jets

if TYPE_CHECKING:  # help comes without PyArrow
    from darkclr.representations import Representations

__all__ = ["IN_DOMAIN", "OUTSIDE", "Domain", "DomainCheck", "Outside", "TrainingJets"]

#: What becomes of jets outside: they stay and are marked, they are left out, or they are an error.
Outside: TypeAlias = Literal["keep", "drop", "error"]
OUTSIDE: Outside = "keep"

#: Name of the column that marks the jets inside.
IN_DOMAIN = "in_domain"

# If more jets than this have the largest number of constituents, the others were cut away.
_CUT_SHARE = 0.05
_CLUSTERING = re.compile(r"R = (\d+(?:\.\d+)?)")

T = TypeVar("T", Jets, "Representations")


@dataclass(frozen=True)
class Domain:
    """Which jets an encoder was trained on; None stands for what nobody knows.

    Args:
        pt_min, pt_max: window of the jet pT [GeV].
        abs_eta_max: largest abs(eta) of the jets.
        n_constituents: number of hardest constituents of a jet that were read.
        radius: R of the jets.
        card: name of the detector card of simulated jets.
        level: "detector" or "particle".
    """

    pt_min: float | None = None
    pt_max: float | None = None
    abs_eta_max: float | None = None
    n_constituents: int | None = None
    radius: float | None = None
    card: str | None = None
    level: str | None = None

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> Iterator[Self]:
        """What the provenance of jets says, for each origin of which there are several.

        Selections of the simulation and cuts at reading are taken together.

        >>> cuts, selection = [{"pt_min": 200.0}], {"pt_min": 150.0, "pt_max": 300.0}
        >>> next(Domain.of({"selection": selection, "cuts": cuts}))  # doctest: +ELLIPSIS
        Domain(pt_min=200.0, pt_max=300.0, abs_eta_max=None, ...)
        """
        if parts := [part for part in _list(provenance.get("parts")) if isinstance(part, dict)]:
            common = {key: value for key, value in provenance.items() if key != "parts"}
            for part in parts:
                yield from cls.of({**part, **common})
            return
        selection = _mapping(provenance.get("selection"))
        converted = _mapping(_mapping(provenance.get("converted")).get("options"))
        cuts = (selection, converted, *map(_mapping, _list(provenance.get("cuts"))))
        clustering = _CLUSTERING.search(str(provenance.get("clustering", "")))
        card, level = provenance.get("card"), provenance.get("level")
        n_constituents = min(_numbers("n_constituents", *cuts), default=None)
        yield cls(
            pt_min=max(_numbers("pt_min", *cuts), default=None),
            pt_max=min(_numbers("pt_max", *cuts), default=None),
            abs_eta_max=min(_numbers("abs_eta_max", *cuts), default=None),
            n_constituents=None if n_constituents is None else int(n_constituents),
            radius=float(clustering[1])
            if clustering
            else next(_numbers("radius", selection), None),
            card=Path(card).stem if isinstance(card, str) else None,
            level=level if isinstance(level, str) else None,
        )

    @classmethod
    def restore(cls, document: object) -> Self | None:
        """The domain of a configuration file; None of an earlier version, which knew none.

        Raises:
            ValueError: it is none.
        """
        if document is None:
            return None
        if not isinstance(document, dict):
            raise ValueError("the domain is no mapping")
        domain = cls(**document)
        for name in ("pt_min", "pt_max", "abs_eta_max", "n_constituents", "radius"):
            if not isinstance(getattr(domain, name), int | float | None):
                raise ValueError(f"{name} of the domain is no number")
        return domain

    def outside(self, rows: Jets | Representations, n_read: int) -> dict[str, NDArray[np.bool_]]:
        """By reason: which rows (n,) are unlike the jets of the training.

        Args:
            rows: jets or their representations.
            n_read: number of constituents that the encoder reads.
        """
        found: dict[str, NDArray[np.bool_]] = {}
        n, everywhere = rows.n_constituents, np.ones(len(rows), dtype=np.bool_)
        if self.pt_min is not None:
            found[f"of pT below {self.pt_min:g} GeV"] = rows.pt < self.pt_min
        if self.pt_max is not None:
            found[f"of pT above {self.pt_max:g} GeV"] = rows.pt > self.pt_max
        if self.abs_eta_max is not None and rows.eta is not None:
            found[f"of |eta| above {self.abs_eta_max:g}"] = np.abs(rows.eta) > self.abs_eta_max
        kept = n_read if self.n_constituents is None else self.n_constituents
        if kept < n_read:
            found[f"of more than the {kept} constituents of the training"] = n > kept
        for other in Domain.of(rows.provenance):
            if other.n_constituents is not None and other.n_constituents < kept:
                what = f"cut to {other.n_constituents} constituents, not {kept}"
                found[what] = n >= other.n_constituents
            for name in ("radius", "card", "level"):
                own, its = getattr(self, name), getattr(other, name)
                if None not in (own, its) and own != its:
                    found[f"of {name} {its}, not {own}"] = everywhere
        return {reason: mask for reason, mask in found.items() if mask.any()}


class TrainingJets:
    """Learns the domain of a training from its jets, whatever the batches they come in."""

    def __init__(self) -> None:
        self._pt = (np.inf, -np.inf)
        self._abs_eta = 0.0
        self._lengths: Counter[int] = Counter()
        self._declared: list[Domain] = []

    def add(self, jets: Jets) -> Self:
        """Take a batch of jets."""
        if len(jets):
            low, high = self._pt
            self._pt = min(low, float(jets.pt.min())), max(high, float(jets.pt.max()))
            self._abs_eta = max(self._abs_eta, float(np.abs(jets.eta).max()))
            numbers, counts = np.unique(jets.n_constituents, return_counts=True)
            self._lengths.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
            new = (domain for domain in Domain.of(jets.provenance))
            self._declared += [domain for domain in new if domain not in self._declared]
        return self

    def domain(self, n_read: int) -> Domain | None:
        """The domain; None without jets.

        The window is that of the provenance. Where that says none, or has jets beyond, it is that
        of the jets themselves, rounded outwards to two digits.

        Args:
            n_read: number of constituents that the encoder reads.
        """
        if not self._declared:
            return None

        def all_of(name: str) -> list[Any]:
            values = [getattr(domain, name) for domain in self._declared]
            return [] if None in values else values

        def common(name: str) -> Any:
            values = set(all_of(name))
            return values.pop() if len(values) == 1 else None

        low, high = (float(np.float32(pt)) for pt in self._pt)
        pt_min, pt_max = min(all_of("pt_min"), default=None), max(all_of("pt_max"), default=None)
        abs_eta_max = max(all_of("abs_eta_max"), default=None)
        return Domain(
            pt_min=pt_min if pt_min is not None and pt_min <= low else _rounded(low, ROUND_FLOOR),
            pt_max=pt_max
            if pt_max is not None and pt_max >= high
            else _rounded(high, ROUND_CEILING),
            abs_eta_max=abs_eta_max
            if abs_eta_max is not None and abs_eta_max >= self._abs_eta
            else _rounded(self._abs_eta, ROUND_CEILING),
            n_constituents=min(n_read, max(all_of("n_constituents"), default=self._kept(n_read))),
            radius=common("radius"),
            card=common("card"),
            level=common("level"),
        )

    def _kept(self, n_read: int) -> int:
        """The number of constituents to which jets were cut, as far as they show it."""
        most, n_jets = max(self._lengths), sum(self._lengths.values())
        return most if self._lengths[most] > _CUT_SHARE * n_jets else n_read


class DomainCheck:
    """Marks jets outside of a domain batch by batch, and counts them.

    Args:
        domain: of the model; None if it does not know its own, so that nothing is marked.
        n_read: number of constituents that the encoder reads.
        outside: what becomes of jets outside.
        where: name of the jets, for messages.
    """

    def __init__(
        self,
        domain: Domain | None,
        n_read: int,
        outside: Outside = OUTSIDE,
        where: object = None,
    ) -> None:
        self.domain, self.n_read, self.outside, self.where = domain, n_read, outside, where
        self._n = self._n_outside = 0
        self._reasons: Counter[str] = Counter()

    def __call__(self, rows: T) -> T:
        """The rows with the mark :data:`IN_DOMAIN`, or those inside alone.

        Raises:
            InputError: some lie outside, and that is an error.
        """
        if self.domain is None:
            return rows
        reasons: dict[str, NDArray[np.bool_]] = self.domain.outside(rows, self.n_read)
        inside = ~np.any([np.zeros(len(rows), dtype=np.bool_), *reasons.values()], axis=0)
        if not isinstance(rows, Jets) and rows.in_domain is not None:
            inside = rows.in_domain  # known when they were encoded, file by file
        self._n += len(rows)
        self._n_outside += int(np.count_nonzero(~inside))
        for reason, mask in reasons.items():
            self._reasons[reason] += int(np.count_nonzero(mask & ~inside))
        if self.outside == "error" and self._n_outside:
            raise InputError(
                self.sentence(),
                where=self.where,
                fix="cut them away when they are read, or choose keep or drop for the option "
                "outside",
            )
        if self.outside == "drop":
            rows, inside = rows[inside], inside[inside]
        if isinstance(rows, Jets):
            return replace(rows, truth={**rows.truth, IN_DOMAIN: inside})
        return replace(rows, in_domain=inside)

    @property
    def any_outside(self) -> bool:
        """Whether there were jets outside."""
        return self._n_outside > 0

    def sentence(self) -> str:
        """How many jets lie outside, and in what."""
        what = ", ".join(f"{n} {reason}" for reason, n in self._reasons.items() if n)
        left = " and are left out" if self.outside == "drop" else ""
        share = float(f"{100 * self._n_outside / max(self._n, 1):.2g}")
        return (
            f"{self._n_outside} of {self._n} jets ({share:g} %) "
            f"lie outside of what the model was trained on{left}: {what or 'as their file says'}"
        )


def _rounded(value: float, direction: str) -> float:
    """A number with two digits.

    >>> _rounded(153.2, ROUND_FLOOR), _rounded(1.934, ROUND_CEILING), _rounded(0.0, ROUND_CEILING)
    (150.0, 2.0, 0.0)
    """
    if value == 0:
        return 0.0
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), rounding=direction))


def _numbers(name: str, *sources: Mapping[str, Any]) -> Iterator[float]:
    """The values of a key that are numbers."""
    values = (source.get(name) for source in sources)
    return (float(value) for value in values if isinstance(value, int | float) and value == value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
