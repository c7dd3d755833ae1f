"""Files <-> Jets. The native file is Parquet; other layouts are recognised and read."""

from darkclr.io.atomic import atomic_path
from darkclr.io.options import ReadOptions
from darkclr.io.reading import iterate_jets, read_jets
from darkclr.io.writers import write_jets

__all__ = ["ReadOptions", "atomic_path", "iterate_jets", "read_jets", "write_jets"]
