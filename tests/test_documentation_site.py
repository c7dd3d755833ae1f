"""The documentation as a site: what it shows exists, its blocks are sound, its notebook runs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from darkclr import _HOME
from darkclr.cli.commands import COMMANDS
from darkclr.cli.parsing.parser import build_parser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
NOTEBOOK = DOCS / "first_steps.ipynb"

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def blocks(page: Path, *languages: str) -> list[str]:
    fenced = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for language, text in fenced if language in languages]


def anchors(page: Path) -> set[str]:
    """Those of the headings, as Python-Markdown makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", text, re.MULTILINE):
        plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
        found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower()))
    return found


def notebook_cells(kind: str) -> list[str]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


@page
def test_every_anchor_of_a_link_is_a_heading(page: Path) -> None:
    for file, anchor in re.findall(
        r"\]\((?!https?://)([^)#\s]*\.md)?#([^)\s]+)\)", page.read_text()
    ):
        target = page.parent / file if file else page
        assert anchor in anchors(target), f"{file}#{anchor}"


def test_links_of_the_notebook_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w/.]+)(?:#([\w-]+))?\)", "\n".join(notebook_cells("markdown")))
    assert links
    for file, anchor in links:
        assert not anchor or anchor in anchors(DOCS / file)
        assert (DOCS / file).exists()


def test_every_page_is_in_the_navigation_and_on_the_first_page() -> None:
    (block,) = re.findall(
        r"^nav:\n(.*)\Z", (ROOT / "mkdocs.yml").read_text(), re.DOTALL | re.MULTILINE
    )
    shown = [next(iter(entry.values())) for entry in yaml.safe_load(block)]
    assert sorted(shown) == sorted([NOTEBOOK.name, *(path.name for path in DOCS.glob("*.md"))])
    index = (DOCS / "index.md").read_text()
    assert [name for name in shown if name != "index.md" and f"]({name})" not in index] == []


def test_the_python_api_has_every_public_name_and_no_other_place() -> None:
    shown = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert {f"{home}.{name}" for name, home in _HOME.items()} <= set(shown)
    for place in shown:
        module, _, name = place.rpartition(".")
        assert getattr(import_module(module), name).__doc__


@page
def test_blocks_are_what_they_say(page: Path) -> None:
    for text in blocks(page, "yaml"):
        yaml.safe_load(text)
    for text in blocks(page, "toml"):
        tomllib.loads(text)
    for text in blocks(page, "sh", "bash"):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@page
def test_every_import_of_a_block_exists(page: Path) -> None:
    for text in blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("darkclr"):
                module = import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Command and the rest of the line of every call of ours."""
    for text in blocks(page, "sh", "bash"):
        joined = text.replace("\\\n", " ")
        for line in joined.splitlines():
            line = re.sub(r"\s#.*|'[^']*'", " ", line)
            yield from re.findall(r"\bdarkclr (\w+)\b([^|;&]*)", line)


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    return {
        name: {*build_parser(command)._option_string_actions, "--help-all"}
        for name, command in COMMANDS.items()
    }


@page
def test_every_option_of_a_command_exists(page: Path, options: dict[str, set[str]]) -> None:
    for name, rest in commands(page):
        for option in re.findall(r"--[\w.-]+", rest):
            # `--parameters.m_pi` is an entry of the mapping `--parameters`.
            known = {
                option,
                option.rpartition(".")[0],
                option.replace("-", "_").replace("__", "--", 1),
            }
            assert known & options[name], f"darkclr {name} {option}"


def test_the_notebook_runs_and_shows_what_it_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    for extra in ("lightning", "uproot", "fastjet"):
        pytest.importorskip(extra)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(DOCS)
    names: dict = {}
    for text in notebook_cells("code"):
        exec(compile(text, NOTEBOOK.name, "exec"), names)
    few, many = (names["test"].n_constituents[names["order"][i]] for i in (0, -1))
    assert few < many  # what the dropped copies teach
    outputs = [o for c in json.loads(NOTEBOOK.read_text())["cells"] for o in c.get("outputs", [])]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert [o for o in outputs if "image/png" in o.get("data", {})]


def test_docstrings_become_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the site needs griffe, of which this takes the base of a class.
    monkeypatch.setitem(sys.modules, "griffe", SimpleNamespace(Extension=object))
    monkeypatch.syspath_prepend(str(DOCS))
    from docstrings import as_markdown

    text = "See :class:`~darkclr.jets.Jets`.\n\n.. math::\n\n    E = m\n\n>>> 1 + 1\n2\n\nEnd."
    assert as_markdown(text) == (
        "See `Jets`.\n\n```tex\nE = m\n```\n\n```pycon\n>>> 1 + 1\n2\n```\n\nEnd."
    )
