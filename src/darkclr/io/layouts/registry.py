"""All layouts by name, and which of them a file has.

>>> sorted(LAYOUTS)
['aspen_open_jets', 'darkclr', 'delphes', 'jetclass', 'jetnet', 'lhco', 'pfnano', 'top_tagging']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from darkclr.errors import ConfigError, InputError
from darkclr.io.containers import Container, Table
from darkclr.io.layouts.aspen import AspenOpenJets
from darkclr.io.layouts.delphes import Delphes
from darkclr.io.layouts.jetclass import JetClass
from darkclr.io.layouts.jetnet import JetNet
from darkclr.io.layouts.layout import Layout
from darkclr.io.layouts.lhco import LHCOlympics
from darkclr.io.layouts.native import Native
from darkclr.io.layouts.pfnano import PFNano
from darkclr.io.layouts.top_tagging import TopTagging
from darkclr.names import did_you_mean
from darkclr.plugins import find_plugin, installed

__all__ = ["LAYOUTS", "Recognised", "choose", "layout_named"]

#: All layouts of the package, by name.
LAYOUTS: Mapping[str, type[Layout]] = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            Native,
            TopTagging,
            LHCOlympics,
            AspenOpenJets,
            JetNet,
            Delphes,
            JetClass,
            PFNano,
        )
    }
)
#: Entry points of other packages.
_GROUP = "darkclr.layouts"
# Names of earlier versions.
_ALIASES = {"parquet": "darkclr"}


@dataclass(frozen=True)
class Recognised:
    """A table of jets in a file, its layout, and by what it was recognised."""

    table: Table
    layout: type[Layout]
    why: str
    container: Container

    def names(self) -> tuple[str, str, str, str]:
        """Name and title of the layout, name of the container, and the reason."""
        return self.layout.name, self.layout.title, self.container.name, self.why


def layout_named(name: str) -> type[Layout]:
    """The layout of a name.

    Args:
        name: one of :data:`LAYOUTS`, an entry point of the group ``darkclr.layouts`` of another
            package, or the import path of a class of yours, such as ``my_layouts.MyLayout``.

    Raises:
        ConfigError: there is no such layout, or it cannot be imported.
    """
    name = _ALIASES.get(name, name)
    if name in LAYOUTS:
        return LAYOUTS[name]
    found = find_plugin(name, type, group=_GROUP, where="layout")
    if found is None:
        known = [*LAYOUTS, *installed(_GROUP)]
        choose = f"choose of {', '.join(known)}, or an import path"
        raise ConfigError(f"unknown layout {name!r}", fix=did_you_mean(name, known, choose))
    if not issubclass(found, Layout):
        raise ConfigError(
            f"{name} is no layout", where="layout", fix="extend darkclr.io.layouts.Layout"
        )
    return found


def choose(
    path: Path,
    container: Container,
    tables: Sequence[Table],
    *,
    layout: str | None = None,
    table: str | None = None,
) -> Recognised | None:
    """The table of jets in an open file and its layout, from the columns that are there.

    None if the file holds no table at all, as some programs write for no jets.

    Args:
        path: the file.
        container: what kind of file it is.
        tables: those that the file holds.
        layout: name of the layout, to skip the search.
        table: name of the table, where the file holds several of jets.

    Raises:
        InputError: there is none of a known layout: what was looked for and what was there; or
            there are several: their names and numbers of rows.
        ConfigError: there is no such layout.
    """
    if not tables:
        return None

    def are_named(found: Iterable[Table]) -> list[Table]:
        return [x for x in found if table is None or _is_named(x, table.strip("/"))]

    named = are_named(tables)
    plain = are_named(y for x in tables for y in x.plain())
    if not named and not plain:
        raise InputError(
            f"has no table {table!r}", where=path, fix=f"it has {'; '.join(map(str, tables))}"
        )
    forced = layout is not None
    layouts = [layout_named(layout)] if layout is not None else list(LAYOUTS.values())
    found = _fitting(named, layouts, complete=True, forced=forced)
    if not found and not forced:
        layouts += map(layout_named, installed(_GROUP))
        found = _fitting(named, layouts, complete=True)
    # Columns tell more than an array without names.
    found = found or _fitting(plain, layouts, complete=True, forced=forced)
    # A table that lacks columns is recognised too, so that they are named.
    found = found or _fitting(named, layouts, complete=False)
    if not found:
        there = f"{container.article} {container.name} file with {_described(tables)}"
        if forced:
            raise InputError(
                f"has no table with {layouts[0].looks_for()}", where=path, fix=f"it is {there}"
            )
        raise InputError(
            f"has no known layout: it is {there}",
            where=path,
            fix=f"looked for {'; '.join(f'{x.looks_for()} ({x.name})' for x in layouts)}; a layout "
            "can be forced by name",
        )
    filled = [x for x in found if x[0].n_rows] or found
    if len(filled) > 1:
        sizes = ", ".join(f"{x.name or '/'} ({x.n_rows} rows)" for x, _, _ in filled)
        raise InputError(
            f"holds several tables of jets: {sizes}",
            where=path,
            fix="name one of them with the option table",
        )
    return Recognised(*filled[0], container)


def _fitting(
    tables: Sequence[Table],
    layouts: Sequence[type[Layout]],
    *,
    complete: bool,
    forced: bool = False,
) -> list[tuple[Table, type[Layout], str]]:
    """The tables that have a layout, the first that fits, and the reason.

    Args:
        tables: to choose from.
        layouts: that they may have.
        complete: whether tables are wanted that lack no column, or those that do.
        forced: that columns are complete is reason enough.
    """
    found = []
    for table in tables:
        for layout in layouts:
            if complete == bool(layout.missing(table)):
                continue
            if why := "it was asked for" if forced else layout.recognise(table):
                found.append((table, layout, why))
                break
    return found


def _is_named(table: Table, name: str) -> bool:
    """Whether a table has a name, or is the part of a group of that name."""
    return table.name == name or table.name.startswith(f"{name}/")


def _described(tables: Sequence[Table]) -> str:
    return "; ".join(map(str, tables[:4])) + "; ..." * (len(tables) > 4)
