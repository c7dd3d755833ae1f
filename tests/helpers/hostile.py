"""Files and names as a stranger might send them, by kind: each kind has a name and its content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from safetensors.numpy import load_file, save

__all__ = [
    "DOCUMENTS",
    "NAMES",
    "PLACES",
    "flip_bit",
    "parquet_bomb",
    "put",
    "with_tensors",
    "without_digests",
]

#: Names of samples, scores, files that would do something else than name.
NAMES = {
    "parent": "/../../../../pwned",
    "relative": "../../pwned",
    "absolute": "/tmp/pwned",
    "backslash": "..\\..\\pwned",
    "hidden": ".bashrc",
    "option": "-rf",
    "escape": "a\x1b]0;pwned\x07\x1b[31m",
    "newline": "a\nb",
    "carriage_return": "a\rb",
    "right_to_left": "a\u202eb",
    "zero": "a\x00b",
    "long": "a" * 5000,
    "empty": "",
    "mathtext": "$_$",
    "markup": "[red]a[/red] :smile: [link=file:///etc/passwd]b[/link]",
    "html": "<script>alert(1)</script>",
    "surrogate": "a\udc80b",
}


def _bomb(nested: str) -> bytes:
    """Aliases of aliases: nine levels of ten make 10⁹ values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 10):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    return "\n".join([*lines, f"{nested}: *a9"]).encode()


#: Contents of a YAML or JSON file that is expected to hold a mapping.
DOCUMENTS: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "list": b"[1, 2, 3]",
    "text": b'"hello"',
    "number": b"7",
    "binary": bytes(range(256)) * 4,
    "utf_16": "a: 1".encode("utf-16"),
    "bomb": _bomb("encoder"),
    "bomb_mapping": b"a: &a {x: 1}\n"
    + b"\n".join(
        b"%c: &%c {%s}" % (98 + i, 98 + i, b", ".join(b"k%d: *%c" % (j, 97 + i) for j in range(9)))
        for i in range(9)
    ),
    "chain": b"a0: &a0 [x]\n"
    + b"\n".join(b"a%d: &a%d [*a%d]" % (i, i, i - 1) for i in range(1, 3000)),
    "itself": b"a: &a [*a]",
    "deep_list": b"[" * 100_000,
    "deep_closed": b"[" * 5000 + b"]" * 5000,
    "deep_mapping": b'{"a":' * 50_000,
    "deep_block": b"".join(b" " * i + b"a:\n" for i in range(500)),
    "large": b"# " + b"x" * 20_000_000,
    "long_integer": b"a: " + b"9" * 100_000,
    "tag": b"!!python/object/apply:os.system ['touch pwned']",
    "name_twice": b'{"a": 1, "b": {"c": 2, "c": 3}}',
    "key_list": b"? [1, 2]\n: 3\n",
    "key_number": b"1: 2\n3: 4\n",
    "half": b'{"a": [1, 2',
    "control": b"a: \x07",
    "tabs": b"a:\n\t- b",
    "date": b"a: 2001-99-99",
}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _nothing(path: Path) -> None:
    path.symlink_to("nothing")


#: What may stand where a file is expected.
PLACES: dict[str, Callable[[Path], None]] = {
    "fifo": _fifo,
    "folder": _folder,
    "loop": _loop,
    "device": _device,
    "nothing": _nothing,
}


def put(path: Path, content: bytes | Callable[[Path], None]) -> Path:
    """Replace a file by a content or by something of :data:`PLACES`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)
    return path


def parquet_bomb(path: Path, constituents: int = 10**7) -> Path:
    """One jet with very many constituents, all the same: some kilobytes."""
    values = pa.array(np.full(constituents, 1.0, np.float32))
    lists = pa.ListArray.from_arrays(pa.array([0, constituents], pa.int32()), values)
    table = pa.table({f"constituent_{name}": lists for name in ("pt", "eta", "phi")})
    pq.write_table(table, path, compression="zstd")
    return path


def flip_bit(path: Path, share: float = 0.5) -> Path:
    """One bit is another one, somewhere in the file."""
    content = bytearray(path.read_bytes())
    content[round(share * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    return path


def with_tensors(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """The weights of a model, changed by somebody who knows the format."""
    tensors = {
        name: change(np.array(values)) if values.dtype.kind == "f" else values
        for name, values in load_file(path).items()
    }
    path.write_bytes(save(tensors))
    return path


def without_digests(directory: Path) -> Path:
    """A model directory as earlier versions have written it."""
    path = directory / "config.yaml"
    document = yaml.safe_load(path.read_text())
    document.pop("digests", None)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return directory
