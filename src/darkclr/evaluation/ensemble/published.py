"""Published figures of merit, to stand beside ours.

Source: DarkCLR, arXiv:2312.03067. Table 2: the Dirichlet VAE (arXiv:2104.08291), the invertible
network (arXiv:2202.00686), the normalized autoencoder on jet images (arXiv:2206.14225) and s_NAE of
DarkCLR. Table 3: the supervised classifier's rejection, of the row trained and tested on "Aachen"
(at ε_S = 0.2, as the header has it; the caption says 0.1). The authors' thesis: AUC of the
classifier, and of the number of constituents alone; s_NAE of its minimal (Fig. 6.9) and its
multiplicity setup (Fig. 6.8, p_drop = 0.4).

They belong to another simulation of the detector: only their order compares with ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from darkclr.evaluation.results import FigureOfMerit

__all__ = ["PUBLISHED"]


def _row(
    auc: float,
    rejection: float | None = None,
    *,
    errors: tuple[float | None, float | None] = (None, None),
    source: str,
) -> dict[str, FigureOfMerit | str]:
    row: dict[str, FigureOfMerit | str] = {"source": source, "auc": FigureOfMerit(auc, errors[0])}
    if rejection is not None:
        row["rejection_0.2"] = FigureOfMerit(rejection, errors[1])
    return row


_TABLE_2 = "arXiv:2312.03067 table 2"

#: By process, score and name of the variant (None for DarkCLR itself): ``source``, ``auc`` and
#: ``rejection_0.2``.
PUBLISHED: Mapping[tuple[str, str, str | None], Mapping[str, FigureOfMerit | str]] = (
    MappingProxyType(
        {
            ("aachen", "dirichlet_vae_images", None): _row(0.71, 36, source=_TABLE_2),
            ("aachen", "flow_efp", None): _row(0.73, 39, source=_TABLE_2),
            ("aachen", "nae_images", None): _row(0.76, 41, errors=(0.01, 1), source=_TABLE_2),
            ("aachen", "nae", None): _row(0.76, 59, errors=(0.01, 1), source=_TABLE_2),
            ("aachen", "supervised", None): _row(
                0.81, 80, errors=(None, 1), source="thesis (AUC); arXiv:2312.03067 table 3"
            ),
            ("aachen", "few_constituents", None): _row(0.71, source="thesis"),
            ("aachen", "nae_thesis", "minimal"): _row(
                0.767, errors=(0.034, None), source="thesis Fig. 6.9"
            ),
            ("aachen", "nae_thesis", "multiplicity"): _row(
                0.661, errors=(0.039, None), source="thesis Fig. 6.8"
            ),
        }
    )
)
