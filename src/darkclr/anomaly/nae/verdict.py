"""What became of a normalisation, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from darkclr.anomaly.nae.robust import Paired

__all__ = ["Verdict"]

# What is within three standard errors, or this share of the whole, is no difference.
_ERRORS, _SHARE = 3.0, 0.05
# Chains that have forgotten their start are as far from it as one jet from another. Those that
# refuse nearly all steps go nowhere, whatever one jump of a few adds to the mean.
_TRAVELLED, _ACCEPTED = 0.5, 0.1
# A gain in AUC of two errors is one.
_GAIN = 2.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether an energy has become that of a density, on validation background alone.

    Args:
        epoch: of the normalisation, whose weights were kept.
        temperature: of the chains.
        acceptance: share of the steps of the chains that were accepted.
        travelled: mean distance from start to end of a chain, over the median distance of two jets.
        energy: E₊, mean without the largest 5 %.
        energy_difference: E₊ - E₋ and its error, in the same units.
        excess_distance: how much farther samples are from jets than other jets are, with its error.
        data_distance: energy mover's distance of jets to other jets.
        auc: of E between jets and the background's own dropped copies; None without copies.
        auc_before: the same of the autoencoder before the normalisation.
        auc_gain: their difference with its error.
    """

    epoch: int
    temperature: float
    acceptance: float
    travelled: float
    energy: float
    energy_difference: Paired
    excess_distance: Paired
    data_distance: float
    auc: float | None = None
    auc_before: float | None = None
    auc_gain: Paired | None = None

    @property
    def in_equilibrium(self) -> bool:
        """Whether the chains have gone far enough to have forgotten where they started."""
        return self.acceptance >= _ACCEPTED and self.travelled >= _TRAVELLED

    @property
    def energies_met(self) -> bool:
        """Whether jets and samples have the same energy, within errors or 5 %."""
        return _agrees(self.energy_difference, self.energy)

    @property
    def samples_like_data(self) -> bool:
        """Whether samples are no farther from jets than other jets are."""
        excess = self.excess_distance
        return excess.difference <= max(_ERRORS * excess.error, _SHARE * self.data_distance)

    @property
    def improved(self) -> bool | None:
        """Whether E tells dropped copies better than before; None if nobody can say."""
        return None if self.auc_gain is None else self.auc_gain.significance > _GAIN

    def sentence(self) -> str:
        """The verdict for a reader."""
        e, excess = self.energy_difference, self.excess_distance
        parts = [
            f"the chains {_did(self.in_equilibrium)} reach equilibrium (acceptance "
            f"{self.acceptance:.2f}, {self.travelled:.2g} of the distance between jets)",
            f"the energies {'met' if self.energies_met else 'did not meet'} (E+ - E- = "
            f"{e.difference:.2g} ± {e.error:.1g} of {self.energy:.2g})",
            f"the samples {'look' if self.samples_like_data else 'do not look'} like data "
            f"(distance {self.data_distance + excess.difference:.3g}, jets to jets "
            f"{self.data_distance:.3g})",
        ]
        if self.auc_gain is not None:
            gain = self.auc_gain.significance
            word = (
                "better than" if gain > _GAIN else "worse than" if gain < -_GAIN else "as good as"
            )
            parts.append(
                f"on dropped copies it is {word} the autoencoder it started from (AUC "
                f"{self.auc:.3f}, before {self.auc_before:.3f}, difference "
                f"{self.auc_gain.difference:+.3f} ± {self.auc_gain.error:.3f})"
            )
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, with the conclusions and the sentence."""
        conclusions = ("in_equilibrium", "energies_met", "samples_like_data", "improved")
        return (
            asdict(self)
            | {name: getattr(self, name) for name in conclusions}
            | {"sentence": self.sentence()}
        )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From what :meth:`to_dict` made.

        Raises:
            KeyError, TypeError: it is something else.
        """
        values = {f.name: document[f.name] for f in fields(cls)}
        for name in ("energy_difference", "excess_distance", "auc_gain"):
            if values[name] is not None:
                values[name] = Paired(**values[name])
        return cls(**values)


def _agrees(difference: Paired, whole: float) -> bool:
    return abs(difference.difference) <= max(_ERRORS * difference.error, _SHARE * abs(whole))


def _did(yes: bool) -> str:
    return "did" if yes else "did not"
