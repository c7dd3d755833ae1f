"""Damage to bytes, to columns and to folders of files, drawn from a seed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["damage_bytes", "damage_columns", "damage_folder", "damage_text"]

Rng = np.random.Generator

_NUMBER = re.compile(rb"(?<![\w.])-?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][\w./-]*")
# What stands where a number or a word should: other types, edges of types, other programs' syntax.
_NASTY = [
    *(b"nan", b"inf", b"-inf", b"1e400", b"1e38", b"1e-320", b"-1", b"0", b"-0.0", b"0.5"),
    *(b"18446744073709551615", b"-9223372036854775808", b"9" * 5000, b"1000000", b"0x10", b"1_0"),
    *(
        b"",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"''",
        b"~",
        b"[1, 2]",
        b"{a: 1}",
        b"- 1\n- 2",
        b"!!set",
    ),
    *(b"!!python/object/apply:os.system ['touch pwned']", b"!!binary aGk=", b"*a", b"&a [*a]"),
    *(b"os.system", b"subprocess.Popen", b"builtins.exec", b"darkclr.jets.Jets", b"__import__"),
    *(
        b"../../pwned",
        b"/../../pwned",
        b"/etc/passwd",
        b"-rf",
        b".bashrc",
        b"~/pwned",
        b"con",
        b"a/b",
    ),
    *(b"\x00", b"\x1b[31m", b"\x07", b"\r", b"\xff\xfe", b"\xe2\x80\xae", b":boom:", b"[red]"),
    *(b"$_$", b"%s%n", b"{0.__class__}", b"<script>", b"a" * 70_000, "é".encode(), b"2020-01-01"),
    *(b"[" * 3000, b"{a: " * 1500, b"[" * 1500 + b"]" * 1500, b"? " * 1000),
    b"&a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c]",
]


def _place(data: bytes | bytearray, rng: Rng) -> int:
    """Mostly anywhere, often near an end, where headers and footers are."""
    n = max(len(data), 1)
    near = int(rng.integers(min(n, 512)))
    return (int(rng.integers(n)), near, n - 1 - near)[rng.choice(3, p=[0.5, 0.25, 0.25])]


def _flip(data: bytes, rng: Rng) -> bytes:
    out = bytearray(data)
    for _ in range(rng.integers(1, 9) if out else 0):
        out[_place(out, rng)] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _overwrite(data: bytes, rng: Rng) -> bytes:
    start, n = _place(data, rng), int(rng.choice([1, 2, 4, 8, 64]))
    patch = (rng.bytes(n), b"\x00" * n, b"\xff" * n)[rng.integers(3)]
    return data[:start] + patch + data[start + n :]


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: _place(data, rng)]


def _remove(data: bytes, rng: Rng) -> bytes:
    start = _place(data, rng)
    return data[:start] + data[start + int(rng.choice([1, 4, 100])) :]


def _insert(data: bytes, rng: Rng) -> bytes:
    start = _place(data, rng)
    return data[:start] + rng.bytes(int(rng.choice([1, 8, 500]))) + data[start:]


def _shuffle(data: bytes, rng: Rng) -> bytes:
    a, b = sorted(int(rng.integers(len(data) + 1)) for _ in range(2))
    return data[:a] + data[b:] + data[a:b]


def _append(data: bytes, rng: Rng) -> bytes:
    return data + (data, rng.bytes(100), b"\x00" * 4096, b"\n")[rng.integers(4)]


def _noise(data: bytes, rng: Rng) -> bytes:
    begin = int(rng.choice([0, 4, 8, 200]))
    return data[:begin] + rng.bytes(int(rng.choice([0, 1, 30, 3000])))


def _token(data: bytes, rng: Rng) -> bytes:
    """Another thing in place of a number or a word."""
    found = list((_NUMBER, _WORD)[rng.integers(2)].finditer(data))
    if not found:
        return _overwrite(data, rng)
    match = found[rng.integers(len(found))]
    return data[: match.start()] + _NASTY[rng.integers(len(_NASTY))] + data[match.end() :]


def _lines(data: bytes, rng: Rng) -> bytes:
    """A line less, one twice, two in the other order, one further to the right."""
    lines = data.split(b"\n")
    i, j = (int(rng.integers(len(lines))) for _ in range(2))
    if (kind := rng.integers(4)) == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(j, lines[i])
    elif kind == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines[i] = b"  " + lines[i]
    return b"\n".join(lines)


_BYTES = (_flip, _overwrite, _cut, _remove, _insert, _shuffle, _append, _noise)


def damage_bytes(data: bytes, rng: Rng) -> bytes:
    """Of a binary file."""
    choice: Callable = _BYTES[rng.integers(len(_BYTES))] if rng.random() < 0.8 else _token
    return choice(data, rng)


def damage_text(data: bytes, rng: Rng) -> bytes:
    """Of a text, once to three times."""
    for _ in range(rng.integers(1, 4)):
        choice: Callable = (_token, _token, _token, _lines, *_BYTES)[rng.integers(4 + len(_BYTES))]
        data = choice(data, rng)
    return data


_VALUES = np.array(
    [np.nan, np.inf, -np.inf, 1e38, 1e300, -1, 0, -0.0, 0.5, 1000, 2**63, 1e-40, 7001, 999.9, 181]
)


def damage_columns(columns: dict[str, Any], rng: Rng) -> dict[str, Any]:
    """Of columns of arrays, or lists of arrays: values, types, lengths, names."""
    columns = dict(columns)
    name = list(columns)[rng.integers(len(columns))]
    column = columns[name]
    kind = rng.integers(6)
    if kind == 0:
        del columns[name]
    elif kind == 1:
        columns[_nasty_text(rng)] = columns.pop(name)
    elif kind == 2:
        dtype = [np.int8, np.uint64, np.float16, np.float64, bool, np.int64][rng.integers(6)]
        columns[name] = _each(column, lambda x: x.astype(dtype))
    elif kind == 3:
        columns[name] = column[: len(column) // 2] if rng.random() < 0.3 else column[::-1]
    elif kind == 4 and isinstance(column, list):
        short = int(rng.integers(len(column)))
        columns[name] = [x[:0] if i == short else x for i, x in enumerate(column)]
    else:
        row = int(rng.integers(len(column)))
        value = _VALUES[rng.integers(len(_VALUES))]
        column = [x.copy() for x in column] if isinstance(column, list) else column.copy()
        part = column[row] if isinstance(column, list) or column.ndim > 1 else column[row : row + 1]
        if part.size:
            with np.errstate(all="ignore"):
                part.flat[rng.integers(part.size)] = np.float64(value).astype(part.dtype)
        columns[name] = column
    return columns


def _each(column: Any, change: Callable) -> Any:
    with np.errstate(all="ignore"):
        return list(map(change, column)) if isinstance(column, list) else change(column)


def _nasty_text(rng: Rng) -> str:
    return _NASTY[rng.integers(len(_NASTY))][:300].decode("latin-1") or "x"


def damage_folder(folder: Path, rng: Rng) -> None:
    """Of one file of a folder, or of its place."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path, other = (files[rng.integers(len(files))] for _ in range(2))
    if rng.random() < 0.8:
        is_text = path.suffix in (".yaml", ".json", ".csv", ".txt")
        path.write_bytes((damage_text if is_text else damage_bytes)(path.read_bytes(), rng))
        return
    data, kind = path.read_bytes(), rng.integers(5)
    path.unlink()
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        os.mkfifo(path)
    elif kind == 2:
        path.symlink_to(("/dev/zero", "/", "nowhere", path.name)[rng.integers(4)])
    elif kind == 3 and other != path:
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
