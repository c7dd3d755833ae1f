"""Docstrings as Markdown reads them, for the pages of the API: roles, formulas and examples."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?([\w.]+)`")
_FORMULA = re.compile(r"^\.\. math::\n\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)


def as_markdown(text: str) -> str:
    """Names as code, formulas as LaTeX, examples as code."""
    text = _ROLE.sub(lambda role: f"`{role[1].rpartition('.')[2]}`", text)
    text = re.sub(r":math:`([^`]+)`", r"`\1`", text)
    text = _FORMULA.sub(lambda m: f"```tex\n{dedent(m[1]).strip()}\n```\n\n", text)
    return _EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", text)


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is rendered."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Once for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
