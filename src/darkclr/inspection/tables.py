"""Files of representations, scores and pairs in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkclr.errors import InputError
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.inspection.description import Description, shortened
from darkclr.io.containers import opened
from darkclr.io.parquet import read_metadata, read_schema, read_table
from darkclr.jets import LABELS

__all__ = ["describe_root", "describe_table"]


def describe_table(path: Path) -> Description | None:
    """Say what a Parquet file is; None if it may hold jets.

    Raises:
        InputError: it is broken.
    """
    try:
        schema = read_schema(path)
    except InputError:  # who reads jets says what else it is
        return None
    metadata = read_metadata(schema)
    if "pooled" in schema.names:
        return _representations(path, schema, metadata)
    if metadata.get("kind") == "scores" or {"sample", "event", "label"} <= {*schema.names}:
        return _scores(path)
    if metadata.get("kind") == "pairs":
        return Description(
            f"{path}: similarities of pairs of validation jets after a training",
            {"columns": ", ".join(schema.names)},
            uses=[f"darkclr info {path.parent}"],
        )
    return None


def describe_root(path: Path) -> Description | None:
    """Say what a ROOT file of scores is; None of others, which may hold jets.

    Raises:
        MissingExtraError: uproot is not installed.
    """
    try:
        with opened(path) as (_, tables):
            table = next((t for t in tables if t.metadata.get("kind") == "scores"), None)
    except InputError:
        return None
    if table is None:
        return None
    facts = {key: table.metadata.get(key) for key in ("encoder", "fits", "darkclr", "input")}
    return Description(
        f"{path}: anomaly scores of {table.n_rows} jets, for ROOT and uproot",
        {"table": table.name, "columns": ", ".join(table.columns), **shortened(facts)},
        uses=["darkclr score JETS MODEL scores.parquet, which other commands read"],
    )


def _representations(path: Path, schema: pa.Schema, metadata: Mapping[str, Any]) -> Description:
    table = read_table(path, [n for n in ("label", "dropped", "weight") if n in schema.names])
    known = "dropped" in table.column_names
    jets = table.filter(pc.invert(table["dropped"])) if known else table
    copies = len(table) - len(jets)
    sizes = {
        name: schema.field(name).type.list_size
        for name in ("z", "pooled")
        if name in schema.names and pa.types.is_fixed_size_list(schema.field(name).type)
    }
    facts = {
        "labels": _counts(jets["label"], LABELS),
        "numbers of a jet": ", ".join(f"{n} in {name}" for name, n in sizes.items()),
        "anomalous copies": f"{copies} ({', '.join(metadata.get('families', ['dropped']))})"
        if copies
        else "none: fit no discriminant on them",
        "encoder": metadata.get("encoder") or "unknown",
        **shortened(metadata.get("provenance") or {}),
    }
    return Description(
        f"{path}: representations of {len(jets)} jets",
        facts,
        uses=[
            f"darkclr fit {path} MODEL, if they are background",
            f"darkclr score {path} MODEL scores.parquet",
        ],
    )


def _scores(path: Path) -> Description:
    files = ScoreFiles(path)
    rows = []
    for name in files.names:
        title, baseline = files.describe(name)
        values = files.numbers(name)
        low, median, high = np.quantile(values, [0, 0.5, 1]) if len(values) else [np.nan] * 3
        rows.append(
            {
                "score": title + (" *" if baseline else ""),
                "column": name,
                "min": f"{low:.4g}",
                "median": f"{median:.4g}",
                "max": f"{high:.4g}",
            }
        )
    labels = files["label"]
    facts: dict[str, object] = {
        "samples": _counts(files["sample"]),
        "labels": _counts(labels, LABELS),
        **shortened({k: v for k, v in files.samples.items() if v}),
        "scores": f"{len(rows)}; higher is more anomalous, * marks yardsticks",
    }
    both = {0, 1} <= {*pc.unique(labels).to_pylist()}
    use = "" if both else " OTHERS, with those of the other label"
    return Description(
        f"{path}: anomaly scores of {len(labels)} jets",
        facts,
        rows,
        [f"darkclr evaluate {path}{use} metrics.json"],
    )


def _counts(column: pa.ChunkedArray, names: Mapping[int, str] | None = None) -> str:
    """How often each value is there."""
    counted = [(item["values"], item["counts"]) for item in pc.value_counts(column).to_pylist()]
    return ", ".join(f"{n} {(names or {}).get(value, value)}" for value, n in counted)
