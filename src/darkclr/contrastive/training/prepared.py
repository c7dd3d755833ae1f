"""Training jets as the network reads them, in files without a name: memory is that of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoding import prepare
from darkclr.contrastive.model_directory import Fingerprint
from darkclr.domain import Domain, TrainingJets
from darkclr.errors import InputError, TrainingError
from darkclr.jets import Constituents, Jets
from darkclr.reweighting import flat_weights

__all__ = ["PreparedJets"]


@dataclass(frozen=True, eq=False)
class PreparedJets:
    """What a training reads of jets; their number is limited by the disk and not by memory.

    The arrays are mapped from files that have no name, so the system removes them with the
    process, however that ends. What is read stays in memory as long as there is room.

    Args:
        constituents: the hardest ones, relative to the jet axis.
        weight: (n,) float32, weights divided by their mean; in memory.
        pt: (n,) float32, pT of the jets [GeV]; in memory.
        fingerprint: fingerprint of the jets they come from.
        domain: which jets these are; None if there are none.
    """

    constituents: Constituents
    weight: NDArray[np.float32]
    pt: NDArray[np.float32]
    fingerprint: Fingerprint
    domain: Domain | None

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.constituents)

    @classmethod
    def of(
        cls,
        batches: Iterable[Jets],
        encoder: EncoderConfig,
        folder: Path,
        progress: Callable[[int], None] | None = None,
    ) -> PreparedJets:
        """Read all batches once and prepare them.

        Args:
            batches: jets, in an order that belongs to the training; batches may be empty.
            encoder: configuration of the encoder, which says how many constituents are read.
            folder: folder with room for 12 bytes a constituent and 8 a jet.
            progress: called with the number of jets of each batch.

        Raises:
            InputError: the folder cannot be written or the disk is full.
            TrainingError: the weights sum to nothing.
        """
        fingerprint, seen = Fingerprint(), TrainingJets()
        batches = iter(batches)
        first = next(batches, None)  # bad input shall leave no folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder) as flat, TemporaryFile(dir=folder) as ends:
                n = _append(ends, np.zeros(1, dtype=np.int64)) - 1
                total, weights, pts = 0, [], []
                for jets in chain([] if first is None else [first], batches):
                    if not len(jets):
                        continue
                    fingerprint.add(jets)
                    seen.add(jets)
                    weights.append(jets.weight)
                    pts.append(jets.pt)
                    part = prepare(jets.constituents, encoder)
                    # Side by side, since they are read together.
                    columns = np.stack([part.pt, part.eta, part.phi], axis=1, dtype=np.float32)
                    n += _append(ends, part.offsets[1:] + total)
                    total += _append(flat, columns)
                    if progress is not None:
                        progress(len(jets))
                offsets = _mapped(ends, np.int64, (n + 1,))
                columns = _mapped(flat, np.float32, (total, 3)).T
        except OSError as error:
            raise InputError(
                f"the prepared jets cannot be written ({error.strerror or error})",
                where=folder,
                fix="check free space and permissions",
            ) from error
        weight = _relative(np.concatenate([np.empty(0), *weights]))
        pt = np.concatenate([np.empty(0, np.float32), *pts])
        domain = seen.domain(encoder.n_constituents)
        return cls(Constituents(offsets, *columns), weight, pt, fingerprint, domain)

    def flat_in_pt(self) -> PreparedJets:
        """The same jets, weighted to a flat spectrum of jet pT."""
        return replace(self, weight=_relative(flat_weights(self.pt, self.weight)))


def _relative(weight: NDArray) -> NDArray[np.float32]:
    """Weights, divided by their mean."""
    if len(weight) and not weight.mean() > 0:
        raise TrainingError(
            f"the mean weight of the jets is {weight.mean():.3g}",
            fix="weights may be negative, but not on average",
        )
    return (weight / weight.mean()).astype(np.float32) if len(weight) else weight.astype(np.float32)


def _append(file: IO[bytes], rows: NDArray) -> int:
    file.write(np.ascontiguousarray(rows).data)  # whose errors are OSError
    return len(rows)


def _mapped(file: IO[bytes], dtype: Any, shape: tuple[int, ...]) -> NDArray:
    """The content of a file as an array, which outlives the file's handle."""
    file.flush()
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(file, dtype=dtype, mode="r", shape=shape))
