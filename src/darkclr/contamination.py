"""Which jets may train: background and what nobody knows, and signal only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.jets import SIGNAL, Jets
from darkclr.parameters import Between
from darkclr.split import Split, uniform_hash

if TYPE_CHECKING:  # help comes without PyArrow
    from darkclr.representations import Representations

__all__ = ["CONTAMINATION", "Contamination", "SignalFilter", "contaminated"]

#: Share of signal among the jets of a training, for the study of just that.
Contamination = Annotated[float | None, Between(0, 1, low_included=True)]
CONTAMINATION: Contamination = None

# Apart from the seeds that people give to a split, of which the choice must not know.
_SEED = 0x5167A1
# What a signal jet takes from the background jet whose place it has.
_OF_PLACE = ("label", "weight", "event", "rank")

T = TypeVar("T", Jets, "Representations")


class SignalFilter:
    """Leaves jets of label 1 out of a training, all or all but a share of the jets that stay.

    Which of them stay depends on their event alone, so that the copies of a jet stay with it, and
    encoder and scores see the same ones.

    Args:
        contamination: share of signal among the jets that stay.
        count: batches of the training part, which are read if there is to be signal.

    Attributes:
        left_out: number of signal jets that were left out so far.

    Raises:
        ConfigError: no share, or one for which there are too few signal jets.
    """

    def __init__(
        self,
        contamination: Contamination = CONTAMINATION,
        count: Iterable[Jets | Representations] = (),
    ) -> None:
        self.left_out = 0
        self._kept_share = 0.0
        if contamination is not None and not 0 <= contamination < 1:  # NaN is neither
            raise ConfigError(
                f"{contamination:g}", where="contamination", fix="give a share from 0 to below 1"
            )
        if contamination:
            n_signal = n = 0
            for rows in count:
                n_signal += int(np.count_nonzero(_originals(rows) & (rows.label == SIGNAL)))
                n += int(np.count_nonzero(_originals(rows)))
            wanted = contamination / (1 - contamination) * (n - n_signal)
            if not 0 < wanted <= n_signal:
                raise ConfigError(
                    f"{contamination:g} of the training jets cannot be signal: there are "
                    f"{n_signal} of it and {n - n_signal} others",
                    where="contamination",
                    fix="give a smaller share, or more jets of label 1",
                )
            self._kept_share = wanted / n_signal

    def __call__(self, rows: T) -> T:
        """The rows that may train."""
        signal = rows.label == SIGNAL
        if not signal.any():
            return rows
        out = signal & (uniform_hash(rows.event, _SEED) >= self._kept_share)
        self.left_out += int(np.count_nonzero(out & _originals(rows)))
        return rows[~out]

    def of(self, batches: Iterable[T]) -> Iterator[T]:
        """The rows of all batches that may train.

        Raises:
            InputError: all of them are signal.
        """
        kept = 0
        for batch in batches:
            rows = self(batch)
            kept += len(rows)
            yield rows
        if self.left_out and not kept:
            raise InputError(
                f"all {self.left_out} jets have the label 1, signal",
                fix="train on background (0) or jets without label (-1)",
            )

    def sentence(self) -> str:
        """How many jets were left out."""
        return f"{self.left_out} signal jets (label 1) are left out of the training part"


def _originals(rows: Jets | Representations) -> NDArray[np.bool_]:
    """Which rows are no copies."""
    is_copy = getattr(rows, "dropped", None)
    return np.ones(len(rows), dtype=np.bool_) if is_copy is None else ~is_copy


def contaminated(background: Jets, signal: Jets, share: float, split: Split) -> Jets:
    """Background with signal in the place of a share of its training jets, and nothing says which.

    They are drawn at random, and take label, weight, event and truth of the jets whose places they
    have: all numbers of jets stay, and so do the other parts of the split.

    Args:
        background, signal: jets; of the signal those that are in no test.
        share: of the training jets.
        split: which background jets these are.

    Raises:
        ConfigError: there are not as many jets of signal.
    """
    training = np.flatnonzero(split.part(background.event, "train"))
    n = round(share * len(training))
    if n > len(signal):
        raise ConfigError(
            f"{share:g} of {len(training)} training jets are {n} jets of signal, and there are "
            f"{len(signal)}",
            where="contamination",
            fix="give a smaller share, or more signal",
        )
    rng = np.random.default_rng(_SEED)
    places = rng.choice(training, n, replace=False)
    drawn = signal[np.sort(rng.choice(len(signal), n, replace=False))]
    place = background[places]
    drawn = replace(drawn, **{name: getattr(place, name) for name in _OF_PLACE}, truth=place.truth)
    others = np.setdiff1d(np.arange(len(background)), places)
    mixed = Jets.concatenate([background[others], drawn])
    mixed = mixed[np.argsort(np.concatenate([others, places]))]
    return replace(mixed, provenance={**background.provenance, "contamination": share})
