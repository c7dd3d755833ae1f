"""Files <-> Jets. The native file is Parquet."""

from darkclr.io.atomic import atomic_path
from darkclr.io.parquet import read_jets, write_jets

__all__ = ["atomic_path", "read_jets", "write_jets"]
