"""What declarations of parameters say, and that no default has two homes."""

from __future__ import annotations

import ast
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

import darkclr
from darkclr.errors import ConfigError
from darkclr.parameters import (
    REQUIRED,
    AtLeast,
    Between,
    Finite,
    Positive,
    check_parameters,
    check_ranges,
    parameters_of,
)

PACKAGE = Path(darkclr.__file__).parent


@dataclass(kw_only=True)
class Base:
    epochs: Annotated[int, AtLeast(1)] = 10
    """Passes over ``the`` data, see :class:`~darkclr.split.Split`."""
    device: Literal["cpu", "gpu"] = "cpu"
    """Where to compute."""


@dataclass(kw_only=True)
class Owner(Base):
    rate: Annotated[float, Positive()]
    """Speed
    of it."""
    epochs: Annotated[int, AtLeast(1)] = 50
    share: Annotated[float | None, Between(0, 1, low_included=True)] = None
    """Share; null: all."""
    widths: Annotated[Sequence[int], AtLeast(1)] = (8, 4)
    kind: Literal["a", "b"] | None = None
    learned: int = field(init=False)


class Foreign:
    """A class of another package.

    Parameters
    ----------
    depth : int, default=3
        How deep, as :class:`~somewhere.Tree` has it.
    """

    def __init__(self, seed, depth=3):
        self.seed, self.depth = seed, depth


def test_declarations_are_read_where_they_stand():
    found = {p.name: p for p in parameters_of(Owner)}
    assert list(found) == ["epochs", "device", "rate", "share", "widths", "kind"]
    assert found["epochs"].default == 50  # of the subclass, with the meaning of its base
    assert found["epochs"].summary == "Passes over the data, see Split."
    assert found["rate"].default == REQUIRED
    assert found["rate"].summary == "Speed of it."
    assert {name: p.wanted for name, p in found.items()} == {
        "epochs": "at least 1",
        "device": "one of cpu, gpu",
        "rate": "positive and finite",
        "share": "at least 0 and less than 1, or null",
        "widths": "numbers of at least 1",
        "kind": "one of a, b, or null",
    }


def test_other_classes_have_what_signature_and_docstring_say():
    seed, depth = parameters_of(Foreign)
    assert (seed.name, seed.default, seed.summary) == ("seed", REQUIRED, "")
    assert (depth.default, depth.summary) == (3, "How deep, as Tree has it.")


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 1},
        {"epochs": np.int64(3)},
        {"rate": np.float32(0.5)},
        {"share": None},
        {"share": 0},
        {"widths": [1]},
        {"widths": ()},
        {"kind": "b"},
    ],
    ids=str,
)
def test_what_is_in_its_range_is_taken(changes):
    check_parameters(Owner(**{"rate": 1.0, **changes}), "owner")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epochs": 0}, "owner: epochs = 0; it must be at least 1"),
        ({"epochs": "many"}, "owner: epochs = 'many'; it must be at least 1"),
        ({"epochs": None}, "owner: epochs = None; it must be at least 1"),
        ({"rate": math.nan}, "owner: rate = nan; it must be positive and finite"),
        ({"rate": math.inf}, "owner: rate = inf; it must be positive and finite"),
        ({"share": 1.0}, "owner: share = 1.0; it must be at least 0 and less than 1, or null"),
        ({"widths": [8, 0]}, r"owner: widths = \[8, 0\]; it must be numbers of at least 1"),
        ({"device": "tpu"}, "owner: device = 'tpu'; it must be one of cpu, gpu"),
        ({"kind": "c"}, "owner: kind = 'c'; it must be one of a, b, or null"),
    ],
    ids=str,
)
def test_what_is_not_is_told_in_one_line(changes, told):
    with pytest.raises(ConfigError, match=f"^{told}$"):
        check_parameters(Owner(**{"rate": 1.0, **changes}), "owner")


def test_ranges_that_depend_on_others_are_told_alike():
    with pytest.raises(ConfigError, match=r"^owner: epochs = 50; it must be less than 10$"):
        check_ranges(Owner(rate=1.0), "owner", {"epochs": (False, "less than 10")})


@pytest.mark.parametrize(
    ("range_", "inside", "outside"),
    [
        (AtLeast(0), [0, 1e300], [-1e-9, math.inf, math.nan]),
        (Positive(), [1e-300], [0, math.inf, math.nan]),
        (Finite(), [-1e300, 0], [math.inf, -math.inf, math.nan]),
        (Between(0, 1), [0.5], [0, 1]),
        (Between(0, 1, low_included=True), [0], [1]),
        (Between(0, 1, high_included=True), [1], [0]),
        (Between(0, 1, low_included=True, high_included=True), [0, 1], [-0.1, 1.1, math.nan]),
    ],
    ids=lambda value: getattr(value, "text", ""),
)
def test_ends_of_ranges(range_, inside, outside):
    assert all(value in range_ for value in inside)
    assert not any(value in range_ for value in outside)
    assert inside in range_
    assert [*inside, outside[0]] not in range_


# Defaults that several declarations share although nobody could have meant them to move together,
# and why. All others stand once: who needs one refers to it.
SHARED: dict[tuple[str, Any], str] = {
    ("device", "cpu"): "functions of the library compute where they are told, else as everywhere",
    ("part", "all"): "a command loads the function that it calls when it must, not before",
    ("n", 1): "an implementation of a protocol repeats its signature",
    ("unit", "jets"): "an implementation of a protocol repeats its signature",
    ("seed", 1): "an encoder's and a sample's, which share no random number",
    ("probability", 0.5): "of dropping a constituent and of dropping a branch",
    ("radius", 0.2): "of a branch and of a decay",
}


def defaults(path: Path) -> Iterator[tuple[str, Any]]:
    """Name and value of all literal defaults of fields and arguments in a module.

    None, truth values, zero and what is empty say that nothing is asked for: they are no choice.
    """

    def literal(node: ast.expr | None) -> Any:
        try:
            return None if node is None else ast.literal_eval(node)
        except ValueError:
            return None  # it refers to another declaration, or is computed

    for node in ast.walk(ast.parse(path.read_text())):
        named: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.ClassDef):
            named = [
                (item.target.id, item.value)
                for item in node.body
                if isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and "ClassVar" not in ast.unparse(item.annotation)
            ]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            last = [*given.posonlyargs, *given.args][-len(given.defaults) or None :]
            named = [
                *((a.arg, d) for a, d in zip(last, given.defaults, strict=False)),
                *((a.arg, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)),
            ]
        for name, value in named:
            if (found := literal(value)) and not isinstance(found, bool):
                yield name, tuple(found) if isinstance(found, list) else found


def test_no_default_has_two_homes():
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for default in defaults(path):
            homes[default].append(str(path.relative_to(PACKAGE)))
    several = {default: places for default, places in homes.items() if len(places) > 1}
    assert {d: places for d, places in several.items() if d not in SHARED} == {}
    assert [default for default in SHARED if default not in several] == [], "no longer shared"


def test_two_homes_are_found(tmp_path):
    (tmp_path / "a.py").write_text(
        "class A:\n    rate: float = 0.1\n    n: int = 3\n    name: str = ''\n"
        "def f(x, rate=0.1, *, n=B.n, y=None, widths=[1, 2]): ...\n"
    )
    assert sorted(defaults(tmp_path / "a.py"), key=str) == [
        *(("n", 3), ("rate", 0.1), ("rate", 0.1), ("widths", (1, 2))),
    ]
