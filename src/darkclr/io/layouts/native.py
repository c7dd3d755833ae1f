"""The layout of darkclr's own files: constituents as lists, jets as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darkclr.io.containers import Rows
from darkclr.io.layouts.kinds import kinds_of_pdg
from darkclr.io.layouts.layout import Layout
from darkclr.io.raw_jets import RawJets
from darkclr.jets import JET_COLUMNS

__all__ = ["CONSTITUENT_COLUMNS", "KIND_COLUMN", "TRUTH_PREFIX", "Native"]

CONSTITUENT_COLUMNS = ("constituent_pt", "constituent_eta", "constituent_phi")
TRUTH_PREFIX = "truth_"
KIND_COLUMN = "constituent_pdg_id"
_KINEMATICS = ("pt", "eta", "phi", "mass")


class Native(Layout):
    """Jets as darkclr writes them, and as any program may: only the constituents are needed.

    ``constituent_{pt,eta,phi}`` are lists [GeV, rad]; ``pt, eta, phi, mass`` of the jets are summed
    from massless constituents where one is missing; ``label, weight, event, rank`` and ``truth_*``
    have one number a row. ``constituent_pdg_id``, lists, tells what constituents are.
    """

    name = "darkclr"
    title = "darkclr"
    required = CONSTITUENT_COLUMNS
    optional = (*JET_COLUMNS, f"{TRUTH_PREFIX}*")
    numbers_events = True

    def columns(self) -> list[str]:
        """Constituents, jets, and what constituents are, if it is asked for."""
        known = [KIND_COLUMN] if self.kinds and KIND_COLUMN in self.table.columns else []
        return super().columns() + known

    def read(self, rows: Rows) -> RawJets:
        """Jets, one a row."""
        told = [KIND_COLUMN] if KIND_COLUMN in rows else []
        lengths, (pt, eta, phi, *numbers) = rows.lists(*CONSTITUENT_COLUMNS, *told)
        own = all(name in rows for name in _KINEMATICS)
        return RawJets(
            lengths,
            pt,
            eta,
            phi,
            kind=kinds_of_pdg(*numbers) if numbers else None,
            jet=[rows.numbers(name) for name in _KINEMATICS] if own else None,
            label=rows.labels("label") if "label" in rows else None,
            weight=self.weights(rows, "weight"),
            event=rows.numbers("event") if "event" in rows else None,
            rank=rows.numbers("rank") if "rank" in rows else None,
            truth={
                name.removeprefix(TRUTH_PREFIX): rows.numbers(name)
                for name in rows
                if name.startswith(TRUTH_PREFIX)
            },
        )

    def provenance(self) -> Mapping[str, Any]:
        """What the file says of itself."""
        provenance = self.table.metadata.get("provenance", {})
        return provenance if isinstance(provenance, dict) else {}
