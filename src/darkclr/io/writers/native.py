"""Jets in darkclr's own layout, at once as Parquet, or batch by batch into any table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from darkclr.errors import InputError
from darkclr.io.layouts.native import TRUTH_PREFIX
from darkclr.io.parquet import TableWriter, write_table
from darkclr.io.writers.root import RootTableWriter
from darkclr.jets import JET_COLUMNS, Jets
from darkclr.plausibility import BEAM_ENERGY

__all__ = ["JetsWriter", "highest_pt", "jets_metadata", "jets_table", "write_jets"]


def write_jets(jets: Jets, path: str | Path) -> None:
    """Write jets to a Parquet file, one row a jet.

    Columns: ``constituent_{pt,eta,phi}`` (ragged lists), ``pt, eta, phi, mass, label, weight,
    event, rank``, and ``truth_*``.

    Raises:
        InputError: the file cannot be written (nothing is left behind).
    """
    write_table(jets_table(jets), path, jets_metadata(jets.provenance, highest_pt(jets)))


def jets_table(jets: Jets) -> pa.Table:
    """Jets as a table with the columns of :func:`write_jets`, without metadata."""
    offsets = pa.array(jets.constituents.offsets.astype(np.int32))
    columns: dict[str, Any] = {
        f"constituent_{name}": pa.ListArray.from_arrays(
            offsets, pa.array(getattr(jets.constituents, name))
        )
        for name in ("pt", "eta", "phi")
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

    Args:
        writer: of tables, into a Parquet or ROOT file.
        where: the file that the user named, for messages.
    """

    def __init__(self, writer: TableWriter | RootTableWriter, where: object) -> None:
        self._writer, self._where = writer, where
        self._highest_pt = 0.0

    def write(self, jets: Jets) -> None:
        """Append a batch.

        Raises:
            InputError: its truth columns are not those of the batches before.
        """
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
