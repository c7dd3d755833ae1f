"""The documentation names files, functions, options and links that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

import darkclr
from darkclr.anomaly import SCORES
from darkclr.cli.commands import COMMANDS
from darkclr.cli.main import main
from darkclr.simulation.processes import PROCESSES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def definitions(path: Path) -> set[str]:
    """Names of a module: functions, classes, their methods and attributes, constants."""
    found = set()

    def visit(nodes: list[ast.stmt], prefix: str) -> None:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update(prefix + t.id for t in targets if isinstance(t, ast.Name))

    visit(ast.parse(path.read_text()).body, "")
    return found


def missing_places(text: str) -> list[str]:
    """Places `path` or `path::name` of the repository that do not exist."""
    pattern = r"`((?:src|configs|tests|validation|docs)/[\w./]*)(?:::([\w.]+))?`"
    return [
        f"{path}::{name}" if name else path
        for path, name in re.findall(pattern, text)
        if not (ROOT / path).exists() or (name and name not in definitions(ROOT / path))
    ]


def repeated_blocks(text: str) -> list[str]:
    """Paragraphs and tables of three lines or more that a page has more than once."""
    blocks = Counter(block.strip() for block in text.split("\n\n"))
    return [block for block, times in blocks.items() if times > 1 and block.count("\n") >= 2]


@page
def test_every_place_in_the_code_exists(page: Path) -> None:
    assert missing_places(page.read_text()) == []


def test_a_place_that_does_not_exist_is_found() -> None:
    text = "`src/darkclr/jets.py::Jets.part` `src/darkclr/jets.py::Jet` `src/darkclr/jet.py`"
    assert missing_places(text) == ["src/darkclr/jets.py::Jet", "src/darkclr/jet.py"]


def test_every_equation_of_the_paper_has_a_place() -> None:
    text = (ROOT / "docs" / "equations.md").read_text().partition("## The thesis")[0]
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| eq.")]
    numbers = {
        int(n) for first, _, where in rows if "::" in where for n in re.findall(r"\d+", first)
    }
    assert numbers == set(range(1, 13))


def broken_links(page: Path) -> list[str]:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    return [link for link in links if not (page.parent / link).exists()]


@page
def test_nothing_is_said_twice(page: Path) -> None:
    assert repeated_blocks(page.read_text()) == []


def test_what_is_said_twice_is_found() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert repeated_blocks(f"{table}\n\ntext\n\n{table}\n") == [table]


@page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [link for link in broken_links(page) if not link.endswith(".png")] == []


@page
def test_numbers_and_pictures_of_the_results_are_filled_in(page: Path) -> None:
    assert [link for link in broken_links(page) if link.endswith(".png")] == []
    assert re.findall(r"@@[\w.]+@@", page.read_text()) == []


@page
def test_every_import_of_the_examples_exists(page: Path) -> None:
    text = page.read_text()
    for names in re.findall(r"^from darkclr import (.+)$", text, re.MULTILINE):
        for name in names.split(","):
            assert hasattr(darkclr, name.strip())
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        ast.parse(block)


@page
def test_every_command_exists(page: Path) -> None:
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL))
    assert set(re.findall(r"^darkclr (\w+)", blocks, re.MULTILINE)) <= set(COMMANDS)


def test_the_page_of_commands_has_them_all() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == set(COMMANDS)


def test_the_physics_page_names_every_score() -> None:
    text = (ROOT / "docs" / "physics.md").read_text()
    assert [name for name in SCORES if f"`{name}`" not in text] == []


def test_the_page_of_scores_gives_the_sources_of_the_registry() -> None:
    text = (ROOT / "docs" / "scores.md").read_text()
    rows = [re.split(r" \| ?", line) for line in text.splitlines() if line.startswith("| `")]
    sources = {row[0].strip("| `"): row[3].replace("–", "-") for row in rows if len(row) > 4}
    assert {name: sources[name] for name in SCORES} == {
        name: score.reference for name, score in SCORES.items()
    }


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_is_accepted(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    below = ["robustness"] if config.parent.name == "overlays" else []
    files = [part for path in (*below, config) for part in ("--config", str(path))]
    assert main(["run", *files, "--dry_run", "true", "--output", str(output)]) == 0
    assert not output.exists()


def test_table_1_of_the_paper() -> None:
    """arXiv:2312.03067, Table 1."""
    config = yaml.safe_load((ROOT / "configs" / "darkclr.yaml").read_text())
    encoder, training = config["encoder"], config["training"]
    assert encoder["embedding_dim"] == 128
    assert encoder["feedforward_dim"] == 512
    assert encoder["output_dim"] == 512
    assert encoder["n_heads"] == 4
    assert encoder["n_layers"] == 4
    assert encoder["dropout"] == 0.1
    assert encoder["n_constituents"] == 50
    assert training["betas"] == [0.9, 0.999]
    assert training["learning_rate"] == 5e-5
    assert training["batch_size"] == 256
    assert training["epochs"] == 150
    assert config["samples"]["qcd"]["n_jets"] * config["split"]["train"] == 100_000


def test_the_page_of_the_simulation_names_every_sample_and_parameter() -> None:
    text = (ROOT / "docs/simulation.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for process in PROCESSES.values():
        (row,) = [row for row in rows if f"`{process.name}`" in row.split("|")[1]]
        label = {0: "background", 1: "signal", -1: "none"}[process.label]
        assert label in row.split("|")[-2]
        assert all(f"`{parameter.name}`" in row for parameter in process.parameters)
