"""The page of all results, made from their ``result.json``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from darkclr.io import atomic_path
from darkclr.io.documents import read_json
from darkclr.studies.reproduction.catalogue import NAMES, find_study
from darkclr.studies.reproduction.record import RESULT

__all__ = ["page", "write_page"]

_HEAD = """\
# Reproduction

Every table and figure of the papers, by name: `darkclr reproduce NAME`. This page is generated from
the `result.json` of each study. A verdict is made by the command: *confirmed* where an order that a
paper claims is found again by more than twice the errors, *not confirmed* where it is not (with
the words "the opposite" where that is found by as much), *not testable here* where nothing at this
scale can decide: a number of one training without an error, above all. Numbers of another
simulation stand beside ours and are never called agreement; reasons are guesses unless a number
stands with them. \\* marks yardsticks.
"""


def write_page(results: Path, target: Path | None = None) -> Path:
    """Write the page of all results in a folder.

    Args:
        results: with a folder a study.
        target: of the page; ``reproduction.md`` in the folder if None.
    """
    target = target or results / "reproduction.md"
    text = page(results, Path(os.path.relpath(results, target.parent)))
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def page(results: Path, link: Path) -> str:
    """The page as Markdown.

    Args:
        results: with a folder a study.
        link: the same folder, as seen from the page.
    """
    found = {
        name: read_json(path)
        for name in NAMES
        if (path := results / name / RESULT).exists()
    }  # fmt: skip
    lines = [_HEAD, "| study | of | scale | verdict | claims |", "|---|---|---|---|---|"]
    for name in NAMES:
        source = find_study(name).source
        if name not in found:
            lines.append(f"| {name} | {source} | – | not run | – |")
            continue
        one = found[name]
        counts = "; ".join(
            f"{title}{_counts(claims)}"
            for title, ours in (("", False), ("not in the papers: ", True))
            if (claims := [claim for claim in one["claims"] if claim["ours"] == ours])
        )
        lines.append(
            f"| [{name}](#{name}) | {source} | {one['scale']} | **{one['verdict']}** | {counts} |"
        )
    for name, one in found.items():
        lines += ["", *_section(name, one, link)]
    return "\n".join(lines) + "\n"


def _counts(claims: Iterable[Mapping[str, Any]]) -> str:
    verdicts = [claim["verdict"] for claim in claims]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))


def _section(name: str, one: Mapping[str, Any], link: Path) -> Iterable[str]:
    folder = (link / name).as_posix()
    yield f"## {name}"
    yield f"{one['title']} ({one['source']})"
    yield ""
    yield "```sh"
    yield one["command"]
    yield "```"
    yield (
        f"Scale {one['scale']}: {one['sizes']}. {one['date']}, darkclr {one['version']}"
        f"{' at ' + one['commit'] if one['commit'] else ''}, {one['hardware']}"
        # From the same numbers, by rules that came later.
        f"{', judged again at ' + one['judged'] if one.get('judged') else ''}; numbers: "
        f"[{RESULT}]({folder}/{RESULT}), picture as "
        f"[PDF]({folder}/figure.pdf)."
    )
    yield ""
    yield f"![{one['title']}]({folder}/figure.png)"
    yield ""
    if differences := one.get("differences"):  # of a version before, none
        yield differences
        yield ""
    for claim in one["claims"]:
        ours = " (not in the papers)" if claim["ours"] else ""
        found = f" ({claim['found']})" if claim["found"] else ""
        words = [f"**{claim['verdict']}**{ours}: {claim['sentence']}{found}"]
        if claim["reason"]:
            words.append(f"Possible reason: {claim['reason']}")
        yield f"- {'. '.join(words)}."
    for title, rows in one["tables"].items():
        yield from ("", f"**{title}**", "")
        yield _line(rows[0])
        yield _line("---" for _ in rows[0])
        for row in rows:
            yield _line(row.values())
    if one["remarks"]:
        yield ""
        yield " ".join(one["remarks"])
    if one["not_run"]:
        yield ""
        yield f"Not run: {'; '.join(one['not_run'])}."


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
