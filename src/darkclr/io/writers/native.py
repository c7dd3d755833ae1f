"""Jets in darkclr's own layout, at once as Parquet, or batch by batch into any table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from darkclr.errors import InputError
from darkclr.io.layouts.kinds import pdg_of_kinds
from darkclr.io.layouts.native import KIND_COLUMN, TRUTH_PREFIX
from darkclr.io.parquet import TableWriter, write_table
from darkclr.io.writers.root import RootTableWriter
from darkclr.jets import JET_COLUMNS, Jets
from darkclr.plausibility import BEAM_ENERGY

__all__ = ["JetsWriter", "highest_pt", "jets_metadata", "jets_table", "write_jets"]


def write_jets(jets: Jets, path: str | Path) -> None:
    """Write jets to a Parquet file, one row a jet.

    Columns: ``constituent_{pt,eta,phi}`` (ragged lists), ``pt, eta, phi, mass, label, weight,
    event, rank``, and ``truth_*``; ``constituent_pdg_id`` where the kinds of constituents are
    known.

    Raises:
        InputError: the file cannot be written (nothing is left behind).
    """
    write_table(jets_table(jets), path, jets_metadata(jets.provenance, highest_pt(jets)))


def jets_table(jets: Jets) -> pa.Table:
    """Jets as a table with the columns of :func:`write_jets`, without metadata."""
    offsets = pa.array(jets.constituents.offsets.astype(np.int32))
    of_constituents: dict[str, Any] = {
        f"constituent_{name}": getattr(jets.constituents, name) for name in ("pt", "eta", "phi")
    }
    if jets.constituents.kind is not None:
        of_constituents[KIND_COLUMN] = pdg_of_kinds(jets.constituents.kind)
    columns: dict[str, Any] = {
        name: pa.ListArray.from_arrays(offsets, pa.array(values))
        for name, values in of_constituents.items()
    }
    columns |= {name: pa.array(getattr(jets, name)) for name in JET_COLUMNS}
    columns |= {f"{TRUTH_PREFIX}{name}": pa.array(v) for name, v in jets.truth.items()}
    return pa.table(columns)


def jets_metadata(provenance: Mapping[str, Any], highest_pt: float) -> dict[str, Any]:
    """What a file of jets says of them; momenta beyond the LHC's, so that they are not refused."""
    beyond = {"beam_energy": highest_pt} if highest_pt > BEAM_ENERGY else {}
    return {"kind": "jets", "provenance": dict(provenance), **beyond}


def highest_pt(jets: Jets) -> float:
    """Largest momentum of jets and constituents [GeV]."""
    return float(max(jets.pt.max(initial=0), jets.constituents.pt.max(initial=0)))


class JetsWriter:
    """The native layout of :func:`write_jets`, batch by batch.

    The first batch decides whether there are kinds of constituents; those that later ones do not
    tell are "other".

    Args:
        writer: of tables, into a Parquet or ROOT file.
        where: the file that the user named, for messages.
    """

    def __init__(self, writer: TableWriter | RootTableWriter, where: object) -> None:
        self._writer, self._where = writer, where
        self._highest_pt = 0.0
        self._kinds: bool | None = None

    def write(self, jets: Jets) -> None:
        """Append a batch.

        Raises:
            InputError: its truth columns are not those of the batches before.
        """
        constituents = jets.constituents
        if self._kinds is None:
            self._kinds = constituents.kind is not None
        if self._kinds != (constituents.kind is not None):
            kind = np.zeros(len(constituents.pt), np.int8) if self._kinds else None
            jets = replace(jets, constituents=replace(constituents, kind=kind))
        table = jets_table(jets)
        self._highest_pt = max(self._highest_pt, highest_pt(jets))
        try:
            self._writer.write(table)
        except ValueError as error:
            raise InputError(
                f"the files have different columns: {', '.join(table.column_names)} instead of "
                f"{', '.join(self._writer.names)}",
                where=self._where,
                fix="convert them one by one",
            ) from error

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write provenance and footer."""
        self._writer.finish(jets_metadata(provenance, self._highest_pt))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def lost(self) -> tuple[str, ...]:
        """Nothing."""
        return ()
