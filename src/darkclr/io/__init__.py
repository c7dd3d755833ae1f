"""Files <-> Jets. The native file is Parquet; other layouts are recognised and read."""

from typing import TYPE_CHECKING

from darkclr.lazy_names import lazy_names

if TYPE_CHECKING:
    from darkclr.io.atomic import atomic_path
    from darkclr.io.options import ReadOptions
    from darkclr.io.reading import iterate_jets, read_jets
    from darkclr.io.writers import write_jets

__all__ = ["ReadOptions", "atomic_path", "iterate_jets", "read_jets", "write_jets"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ReadOptions": "darkclr.io.options",
        "atomic_path": "darkclr.io.atomic",
        "iterate_jets": "darkclr.io.reading",
        "read_jets": "darkclr.io.reading",
        "write_jets": "darkclr.io.writers",
    },
)
