"""Models for other programs: ONNX."""

from darkclr.export.onnx_file import Exported, export
from darkclr.export.scores import EXPORTABLE

__all__ = ["EXPORTABLE", "Exported", "export"]
