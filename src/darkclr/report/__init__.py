"""Figures of merit -> pictures, tables, and one self-contained HTML page."""

from darkclr.errors import MissingExtraError

try:
    from darkclr.report.build import report
except ImportError as error:
    raise MissingExtraError(str(error.name), "report") from error

__all__ = ["report"]
