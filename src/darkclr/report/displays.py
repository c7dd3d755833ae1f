"""The most anomalous jets of a run as event displays, from its scores, samples and encoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from darkclr.anomaly.working_points import FILE, Calibration
from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder
from darkclr.errors import InputError
from darkclr.io import iterate_jets
from darkclr.jets import Jets
from darkclr.names import P_VALUE
from darkclr.report.figures.event_display import ShownJet
from darkclr.report.most_anomalous import Found, Pool, shown_jets
from darkclr.report.run_files import RunFiles

__all__ = ["displayed_jets"]

_N_JETS, _N_NEIGHBOURS = 3, 3
# Background jets among which neighbours are sought: a second of encoding.
_POOL = 2000


def displayed_jets(files: RunFiles, copies: Augmentations) -> tuple[str, list[ShownJet]]:
    """Title of the score that puts the jets in order, and its most anomalous jets in domain.

    Args:
        files: of the run.
        copies: augmentations that make copies of each jet.

    Raises:
        InputError: scores, samples or encoder are missing, or do not go together.
    """
    scores = files.scores
    learned = [name for name in scores.names if not scores.describe(name)[1]] or scores.names
    by = "discriminant" if "discriminant" in learned else learned[0]
    order = np.argsort(-scores.numbers(by), kind="stable")
    if "in_domain" in scores:
        order = order[scores["in_domain"].to_numpy()[order]]
    first = order[:_N_JETS]
    names = ["sample", "event", "rank", "label", *scores.names]
    table = pa.table({name: scores[name].take(pa.array(first)) for name in names})
    # Names of strangers make no paths: they are looked up among those that are there.
    calibrated = {path.parent.name: path for path in files.folder.glob(f"scores/*/{FILE}")}
    for name in scores.names:
        if name in calibrated:
            p_value = Calibration.read(calibrated[name]).p_value(table[name].to_numpy())
            table = table.append_column(P_VALUE + name, pa.array(p_value))
    jets = Jets.concatenate([_jet(files, row) for row in table.to_pylist()])
    encoder = load_encoder(files.folder / "encoder")
    background = files.background_jets()[:_POOL]
    pool = Pool(encode(encoder, background).z, background)
    found = Found(table, encode(encoder, jets).z, jets)
    titles = {name: scores.describe(name)[0] for name in scores.names}
    shown = shown_jets(found, titles, encoder, pool, _N_NEIGHBOURS, copies, files.title)
    return titles[by], shown


def _jet(files: RunFiles, row: Mapping[str, object]) -> Jets:
    """The jet of a row of scores, by event and rank."""
    samples = {path.stem: path for path in files.folder.glob("samples/*.parquet")}
    if (path := samples.get(str(row["sample"]))) is None:
        raise InputError(f"has no sample {row['sample']!r}", where=files.folder / "samples")
    for jets in iterate_jets(path, kinds=True):
        there = (jets.event == row["event"]) & (jets.rank == row["rank"])
        if there.any():
            return jets[np.flatnonzero(there)[:1]]
    raise InputError(f"has no jet {row['rank']} of event {row['event']}", where=path)
