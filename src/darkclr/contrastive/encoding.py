"""Jets -> representations, by a trained encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations, recentre
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.batches import pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.devices import PRECISION, Precision, use_bfloat16
from darkclr.domain import IN_DOMAIN
from darkclr.errors import InputError
from darkclr.io.chunks import in_chunks
from darkclr.jets import Constituents, Jets
from darkclr.plausibility import refuse_infinite
from darkclr.representations import Representations

__all__ = [
    "BATCH",
    "CHUNK",
    "encode",
    "encode_stream",
    "prepare",
]

#: Jets that are altered, sorted by length and encoded together. The last bit of a representation
#: depends on it, since matrix products of another shape add in another order; so it is fixed, and
#: streams and arrays give the same bits. 8 forward passes of ``BATCH``; 20 MB of representations.
CHUNK = 8192

#: Jets that pass through the network together.
BATCH = 1024

# Constituents of a forward pass are made a multiple of this: 3 % more of them, some twenty shapes.
_MULTIPLE = 2048


def prepare(constituents: Constituents, config: EncoderConfig) -> Constituents:
    """The N_c hardest constituents relative to their pT-weighted centroid."""
    return recentre(constituents.hardest(config.n_constituents))


def encode(
    encoder: Encoder,
    jets: Jets,
    *,
    dropped: Augmentations | None = None,
    seed: int | np.random.Generator = 0,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    precision: Precision = PRECISION,
    progress: Callable[[int], None] | None = None,
) -> Representations:
    """Representations of jets.

    For jets that do not fit in memory there is :func:`encode_stream`.

    Args:
        encoder: a trained encoder.
        jets: jets of any label.
        dropped: if given, anomalous copies are encoded in place of the jets: its anomalous
            augmentations are applied before encoding. Of several families, each chunk of jets
            comes once for each of them.
        seed: seed of those augmentations, or the generator itself.
        batch_size: number of jets in a forward pass.
        device: device that computes.
        precision: precision of the matrix products: ``float32``, ``bfloat16`` (z changes by some
            0.5 %), or ``auto``, which is bfloat16 where the hardware computes in it.
        progress: called with the number of jets of each finished batch.

    Raises:
        InputError: there are no jets.
    """
    stream = encode_stream(
        encoder,
        [jets],
        dropped=dropped,
        seed=seed,
        batch_size=batch_size,
        device=device,
        precision=precision,
        progress=progress,
    )
    parts = [rows for rows, _ in stream]
    if not parts:
        raise InputError("there are no jets to encode", fix="check the selection")
    return parts[0] if len(parts) == 1 else Representations.concatenate(parts)


def encode_stream(
    encoder: Encoder,
    batches: Iterable[Jets],
    *,
    dropped: Augmentations | None = None,
    seed: int | np.random.Generator = 0,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    precision: Precision = PRECISION,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[Representations, Jets]]:
    """Representations of jets that come in batches, ``CHUNK`` at a time, with their jets.

    The result is that of one :func:`encode` of all jets, whose arguments these are. A mark of
    :class:`~darkclr.domain.DomainCheck` on the jets is on their representations, too.
    """
    rng, digest, kind = np.random.default_rng(seed), encoder.digest(), torch.device(device).type
    families = () if dropped is None else tuple(dropped.families)
    keep_freed_memory()
    for jets in in_chunks(batches, CHUNK):
        views = [prepare(jets.constituents, encoder.config)]
        if dropped is not None:
            views = dropped.altered(views[0], rng)
        partons = jets.truth.get("parton_pdg")
        for family, view in enumerate(views, start=1 if families else 0):
            with torch.autocast(kind, torch.bfloat16, use_bfloat16(precision, kind)):
                pooled, z = encode_constituents(encoder, view, batch_size, device, progress)
            refuse_infinite(
                {"the representation": z, "the pooled representation": pooled},
                jets.event,
                jets.rank,
            )
            rows = Representations(
                z=z,
                pooled=pooled,
                pt=jets.pt,
                n_constituents=view.lengths if families else jets.n_constituents,
                label=jets.label,
                weight=jets.weight,
                event=jets.event,
                rank=jets.rank,
                family=np.full(len(jets), family, dtype=np.int8),
                provenance=jets.provenance,
                parton_pdg=None if partons is None else partons.astype(np.int32),
                encoder=digest,
                eta=jets.eta,
                phi=jets.phi,
                mass=jets.mass,
                families=families,
                in_domain=jets.truth.get(IN_DOMAIN),
            )
            yield rows, jets


def encode_constituents(
    encoder: Encoder,
    constituents: Constituents,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(pooled, z) of prepared constituents, in their order."""
    encoder = encoder.to(device).eval()
    pooled = np.empty((len(constituents), encoder.config.pooled_dim), dtype=np.float32)
    # The classifier has a head of its own, one wide.
    z = np.empty((len(constituents), encoder.head[-1].out_features), dtype=np.float32)  # type: ignore[arg-type,type-var]
    # Jets of similar length side by side make long runs.
    order = np.argsort(constituents.lengths, kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = pack(constituents[rows], encoder.config, _MULTIPLE).to(device)
            h, output = encoder(batch)
            pooled[rows], z[rows] = h.float().cpu().numpy(), output.float().cpu().numpy()
            if progress is not None:
                progress(len(rows))
    return pooled, z
