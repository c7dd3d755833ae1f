"""Into a section: a picture, or the line that says why it is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure

from darkclr.errors import DarkclrError
from darkclr.report.figures.style import images
from darkclr.report.page.html import Picture, Section

__all__ = ["add", "or_say_why"]


@contextmanager
def or_say_why(section: Section, what: str) -> Iterator[None]:
    """The block that makes a part of a section: if it fails, the section says so."""
    try:
        yield
    except DarkclrError as error:
        section.missing.append(f"{what[0].upper()}{what[1:]} is left out: {error}.")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A file of the right form may still hold what cannot be drawn.
        reason = " ".join(str(error).split())
        section.missing.append(
            f"{what[0].upper()}{what[1:]} is left out: it cannot be drawn ({reason:.200})."
        )


def add(section: Section, name: str, caption: str, picture: Figure, *, wide: bool = False) -> None:
    """Add a picture to a section."""
    section.pictures.append(Picture(name, caption, *images(picture), wide))
