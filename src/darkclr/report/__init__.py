"""Figures of merit -> pictures, tables, and one self-contained HTML page."""

from darkclr.report.build import report

__all__ = ["report"]
