"""Files <-> Jets. The native file is Parquet; other layouts are recognised and read."""

from darkclr.io.atomic import atomic_path
from darkclr.io.layouts import iterate_jets
from darkclr.io.layouts import read_any as read_jets
from darkclr.io.options import ReadOptions
from darkclr.io.parquet import read_parquet, write_jets

__all__ = [
    "ReadOptions",
    "atomic_path",
    "iterate_jets",
    "read_jets",
    "read_parquet",
    "write_jets",
]
