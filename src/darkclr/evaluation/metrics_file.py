"""``metrics.json``: the result of an evaluation, read by table, pictures and tests alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path

__all__ = ["read_metrics", "write_metrics"]


def write_metrics(metrics: dict[str, Any], path: str | Path) -> None:
    """Write ``metrics.json`` atomically; NaN and infinities are refused, not written."""
    text = json.dumps(metrics, indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read ``metrics.json``.

    Raises:
        InputError: the file is missing or not the result of :func:`evaluate`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, fix="run `darkclr evaluate`")
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"not JSON ({error})", where=path, fix="run `darkclr evaluate`") from None
    if not isinstance(metrics, dict) or metrics.get("kind") != "metrics":
        raise InputError("not a metrics file", where=path, fix="run `darkclr evaluate`")
    return metrics
