"""Published figures of merit, to stand beside ours.

Source: DarkCLR, arXiv:2312.03067. Table 2: the Dirichlet VAE (arXiv:2104.08291), the invertible
network (arXiv:2202.00686), the normalized autoencoder on jet images (arXiv:2206.14225) and s_NAE of
DarkCLR. Table 3: the supervised classifier's rejection, of the row trained and tested on "Aachen"
(at ε_S = 0.2, as the header has it; the caption says 0.1). The authors' thesis: AUC of the
classifier, and of the number of constituents alone.

They belong to another simulation of the detector: only their order compares with ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["PUBLISHED"]


def _row(
    auc: float,
    rejection: float | None = None,
    *,
    errors: tuple[float | None, float | None] = (None, None),
    source: str,
) -> dict[str, Any]:
    row: dict[str, Any] = {"source": source, "auc": {"value": auc, "error": errors[0]}}
    if rejection is not None:
        row["rejection_0.2"] = {"value": rejection, "error": errors[1]}
    return row


_TABLE_2 = "arXiv:2312.03067 table 2"

#: By process and score: ``source``, ``auc`` and ``rejection_0.2`` as mappings of value and error.
PUBLISHED: Mapping[tuple[str, str], dict[str, Any]] = MappingProxyType(
    {
        ("aachen", "dirichlet_vae_images"): _row(0.71, 36, source=_TABLE_2),
        ("aachen", "flow_efp"): _row(0.73, 39, source=_TABLE_2),
        ("aachen", "nae_images"): _row(0.76, 41, errors=(0.01, 1), source=_TABLE_2),
        ("aachen", "nae"): _row(0.76, 59, errors=(0.01, 1), source=_TABLE_2),
        ("aachen", "supervised"): _row(
            0.81, 80, errors=(None, 1), source="thesis (AUC); arXiv:2312.03067 table 3"
        ),
        ("aachen", "few_constituents"): _row(0.71, source="thesis"),
    }
)
