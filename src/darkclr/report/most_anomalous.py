"""The most anomalous jets of files, or of a run, as event displays."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from matplotlib.backends.backend_pdf import PdfPages
from numpy.typing import NDArray

from darkclr.anomaly.scoring import load_scores
from darkclr.augmentations import Augmentations, recentre
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_constituents, encode_stream, prepare
from darkclr.contrastive.model_directory import load_encoder, model_parts
from darkclr.domain import Outside
from darkclr.errors import ConfigError, InputError
from darkclr.io import iterate_jets
from darkclr.io.atomic import atomic_path
from darkclr.io.options import ReadOptions
from darkclr.io.sources import Source
from darkclr.jets import LABELS, UNKNOWN, Jets
from darkclr.model import scored_batches
from darkclr.names import P_VALUE, did_you_mean
from darkclr.report.figures.event_display import Panel, ShownJet, event_display
from darkclr.report.figures.style import png, styled
from darkclr.split import Split

__all__ = ["Found", "Pool", "most_anomalous", "order_of", "show", "shown_jets"]

# Jets among which neighbours are sought, so that their representations take 100 MB.
_POOL = 50_000


@dataclass(frozen=True, eq=False)
class Found:
    """Jets that were found, the most anomalous first.

    Args:
        table: (n rows) of their scores, as of :func:`~darkclr.anomaly.scoring.score_table`.
        z: (n, d) their representations.
        jets: the jets.
    """

    table: pa.Table
    z: NDArray[np.float32]
    jets: Jets

    def __getitem__(self, rows: NDArray[np.int64]) -> Found:
        return Found(self.table.take(pa.array(rows)), self.z[rows], self.jets[rows])

    @staticmethod
    def joined(parts: Sequence[Found]) -> Found:
        """All of them, in order."""
        return Found(
            pa.concat_tables([part.table for part in parts]),
            np.concatenate([part.z for part in parts]),
            Jets.concatenate([part.jets for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Pool:
    """Jets among which neighbours are sought, with their representations (n, d)."""

    z: NDArray[np.float32]
    jets: Jets

    @classmethod
    def of(cls, parts: Iterable[tuple[NDArray[np.float32], Jets]]) -> Pool:
        """The first 50 000 jets of a stream, which is read no further."""
        kept: list[tuple[NDArray[np.float32], Jets]] = []
        room = _POOL
        for z, jets in parts:
            kept.append((z[:room], jets[:room]))
            room -= len(kept[-1][1])
            if room <= 0:
                break
        return cls(
            np.concatenate([z for z, _ in kept]), Jets.concatenate([jets for _, jets in kept])
        )

    def nearest(self, z: NDArray[np.float32], jet: Jets, k: int) -> list[tuple[Jets, float]]:
        """The k jets next to one jet, nearest first, with their Euclidean distances."""
        distance = np.sqrt(np.square(self.z.astype(np.float64) - z).sum(axis=1))
        jets = self.jets
        own = (jets.event == jet.event) & (jets.rank == jet.rank) & (jets.pt == jet.pt)
        distance[own] = np.inf
        order = np.argsort(distance, kind="stable")[:k]
        return [(jets[[row]], float(distance[row])) for row in order if np.isfinite(distance[row])]


def show(
    source: Source,
    model: str | Path,
    output: str | Path,
    *,
    by: str | None,
    n_jets: int,
    n_neighbours: int,
    among: Source | None = None,
    copies: Augmentations,
    split: Split | None = None,
    part: str = "all",
    outside: Outside,
    plugins: Collection[str] = (),
    device: str | torch.device = "cpu",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Draw the most anomalous jets of files: a PNG each, and a PDF of all.

    Args:
        source: files of jets, as of :func:`~darkclr.model.score_file`.
        model: directory with ``encoder`` and ``scores``.
        output: folder of the pictures.
        by: the score that puts the jets in order; if None, the smallest p-value of all scores
            that are no yardsticks, or, without p-values, the first of these scores.
        n_jets: how many.
        n_neighbours: how many of the jets that are most like each are drawn beside it.
        among: files of the jets that neighbours are sought among; those of the source if None.
            The first 50 000 count.
        copies: augmentations that make copies of each jet.
        split, part, outside, plugins, device, layout, options, progress: as of ``score_file``.

    Returns:
        The paths of the pictures.

    Raises:
        ConfigError: no such score.
        InputError: files of representations, whose constituents nobody knows, or as of
            ``score_file``.
    """
    model, output = Path(model), Path(output)
    if output.exists() and not output.is_dir():
        raise InputError("is a file", where=output, fix="name a folder for the pictures")
    parts = model_parts(model)
    scores, encoder = load_scores(parts.scores, plugins=plugins), load_encoder(parts.encoder)
    titles = {score.name: score.definition.title for score in scores}
    found: Found | None = None
    pool: list[tuple[NDArray[np.float32], Jets]] = []
    batches = scored_batches(
        source,
        model,
        scores,
        split=split,
        part=part,
        outside=outside,
        device=device,
        layout=layout,
        options=options,
        kinds=True,
    )
    order: list[str] = []
    for table, rows, jets in batches:
        if jets is None:
            raise InputError(
                "holds representations, and event displays need constituents",
                where=source,
                fix="give the file of the jets",
            )
        if found is None:
            yardsticks = [score.name for score in scores if score.definition.entry.baseline]
            order = order_of(by, table.column_names, titles, yardsticks)
        new = Found(table, rows.z, jets)
        found = new if found is None else Found.joined([found, new])
        found = found[most_anomalous(found.table, order, n_jets)]
        if among is None and sum(len(own) for _, own in pool) < _POOL:
            pool.append((rows.z, jets))
        if progress is not None:
            progress(len(rows))
    assert found is not None  # or there would have been no jets
    if among is not None:
        others = encode_stream(
            encoder, iterate_jets(among, layout=layout, options=options, kinds=True)
        )
        found_pool = Pool.of((rows.z, jets) for rows, jets in others)
    else:
        found_pool = Pool.of(pool)
    shown = shown_jets(found, titles, encoder, found_pool, n_neighbours, copies)
    return _written(shown, output)


def order_of(
    by: str | None, columns: Collection[str], titles: Mapping[str, str], yardsticks: Collection[str]
) -> list[str]:
    """The columns by which jets are put in order.

    Raises:
        ConfigError: there is no such score.
    """
    if by is not None:
        if by not in titles:
            raise ConfigError(
                f"no fitted score {by!r}",
                where="by",
                fix=did_you_mean(by, titles),
            )
        return [by]
    names = [name for name in titles if name not in yardsticks] or list(titles)
    calibrated = [f"{P_VALUE}{name}" for name in names if f"{P_VALUE}{name}" in columns]
    return calibrated or names[:1]


def most_anomalous(table: pa.Table, columns: Sequence[str], n: int) -> NDArray[np.int64]:
    """Rows of the n most anomalous jets of a table, in order.

    Args:
        table: with the columns.
        columns: a score, or columns of p-values: of these the smallest counts, and for jets that
            share it the product of all.
        n: how many.
    """
    values = np.stack([table[name].to_numpy() for name in columns])
    keys = [-values[0]]
    if columns[0].startswith(P_VALUE):
        keys = [np.log(values).sum(axis=0), values.min(axis=0)]
    return np.lexsort(keys)[:n]


def shown_jets(
    found: Found,
    titles: Mapping[str, str],
    encoder: Encoder,
    pool: Pool,
    n_neighbours: int,
    copies: Augmentations,
    names: Callable[[str], str] = str,
) -> list[ShownJet]:
    """All that stands in the event display of each jet.

    Args:
        found: the jets.
        titles: of the scores that are shown, by name.
        encoder: that of the representations.
        pool: where neighbours are sought.
        n_neighbours: how many.
        copies: augmentations that make copies of each jet.
        names: title of a sample, by its name.
    """
    jets = found.jets
    all_of_them = recentre(jets.constituents)
    read = prepare(jets.constituents, encoder.config)
    rng = np.random.default_rng(0)
    views = {
        "physical copy": copies.positive_views(read, rng)[1],
        **{
            f"anomalous copy: {name}": altered
            for name, altered in zip(copies.families, copies.altered(read, rng), strict=True)
        },
    }
    z_of = {name: encode_constituents(encoder, view)[1] for name, view in views.items()}
    radius = None if encoder.domain is None else encoder.domain.radius
    shown = []
    for i, row in enumerate(found.table.to_pylist()):
        jet, z = jets[[i]], found.z[i]
        beside = [
            Panel(
                name,
                view[[i]],
                f"N = {view.lengths[i]}, moved z by {np.linalg.norm(z_of[name][i] - z):.3g}",
            )
            for name, view in views.items()
        ]
        neighbours = [
            Panel(
                f"neighbour {k}, at {distance:.3g}",
                recentre(other.constituents),
                f"pT {other.pt[0]:.0f}, mass {other.mass[0]:.0f} GeV, "
                f"N = {other.n_constituents[0]}",
            )
            for k, (other, distance) in enumerate(pool.nearest(z, jet, n_neighbours), start=1)
        ]
        shown.append(
            ShownJet(
                title=f"{i + 1}.  {names(row['sample'])}, event {row['event']}, jet {row['rank']}",
                constituents=all_of_them[[i]],
                facts=_facts(jet, row["label"]),
                scores={
                    title: (f"{row[name]:.4g}", _p_value(row.get(f"{P_VALUE}{name}")))
                    for name, title in titles.items()
                },
                copies=beside,
                neighbours=neighbours,
                radius=radius,
                warning="" if row.get("in_domain", True) else "unlike the jets of the training",
            )
        )
    return shown


def _facts(jet: Jets, label: int) -> dict[str, str]:
    facts = {
        "pT": f"{jet.pt[0]:.1f} GeV",
        "η, φ": f"{jet.eta[0]:.2f}, {jet.phi[0]:.2f}",
        "mass": f"{jet.mass[0]:.1f} GeV",
        "constituents": f"{jet.n_constituents[0]}",
    }
    return facts if label == UNKNOWN else facts | {"label": LABELS[label]}


def _p_value(value: Any) -> str:
    return "–" if value is None else f"{value:.2g}"


def _written(shown: Sequence[ShownJet], folder: Path) -> list[Path]:
    """A PNG of each jet, and a PDF of all."""
    paths = []
    pdf = io.BytesIO()
    with PdfPages(pdf, metadata={"CreationDate": None}) as pages, styled():
        for place, jet in enumerate(shown, start=1):
            picture = event_display(jet)
            paths.append(folder / f"jet_{place:02d}.png")
            with atomic_path(paths[-1]) as temporary:
                temporary.write_bytes(png(picture))
            pages.savefig(picture)
    paths.append(folder / "jets.pdf")
    with atomic_path(paths[-1]) as temporary:
        temporary.write_bytes(pdf.getvalue())
    return paths
