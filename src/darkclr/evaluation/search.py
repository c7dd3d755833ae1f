"""A search without any signal: the most anomalous jets, their p-values, and cuts to make.

Background that no fit has seen, the validation part, calibrates each score, see
:class:`~darkclr.anomaly.working_points.BackgroundScores`: a cut at a background efficiency, and the
p-value of a jet. Beside it is the p-value among background of the same pT, see
:class:`~darkclr.anomaly.conditioning.ConditionalPValue`, since a score may follow pT.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.conditioning import ConditionalPValue
from darkclr.anomaly.working_points import BackgroundScores
from darkclr.errors import InputError
from darkclr.evaluation.measurement import provenance
from darkclr.evaluation.results import FigureOfMerit
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.io.atomic import atomic_path
from darkclr.reporter import Reporter

__all__ = [
    "N_LISTED",
    "FoundJet",
    "ScoreSearch",
    "Search",
    "WorkingPoint",
    "mean_scores",
    "search",
    "show_search",
]

#: Jets that are listed of each score.
N_LISTED = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WorkingPoint:
    """A cut on a score.

    Args:
        background_efficiency: share of background above the cut that was asked for.
        cut: jets of at least this score are above it; None if the calibration has too few jets.
        n_calibration: number of jets of the calibration above the cut.
        measured: share of the other jets above the cut that no fit has seen, with its error.
    """

    background_efficiency: float
    cut: float | None
    n_calibration: int
    measured: FigureOfMerit


@dataclass(frozen=True)
class FoundJet:
    """One of the most anomalous jets.

    Args:
        file, event: where it is; the name of the sample if its file is not known.
        rank: position of the jet in its event, hardest first.
        part: part of the split, as in 'train', which the fits have seen.
        pt, eta, phi, mass, n_constituents: the jet; None where it is not known.
        score: its score.
        p_value: share of background that is at least as anomalous.
        p_value_given_pt: the same among background of its pT; None if the calibration is too small.
        in_domain: whether it is like the jets of the training.
    """

    file: str
    event: int
    rank: int
    part: str
    pt: float
    eta: float | None
    phi: float | None
    mass: float | None
    n_constituents: int
    score: float
    p_value: float
    p_value_given_pt: float | None
    in_domain: bool | None


@dataclass(frozen=True)
class ScoreSearch:
    """What a score finds: its cuts, and its most anomalous jets in order."""

    title: str
    baseline: bool
    working_points: Sequence[WorkingPoint]
    jets: Sequence[FoundJet]


@dataclass(frozen=True)
class Search:
    """What all scores find.

    Args:
        n_jets: number of jets that were scored.
        n_calibration: number of jets of the calibration.
        scores: by name.
        versions: of the packages, by name.
    """

    n_jets: int
    n_calibration: int
    scores: Mapping[str, ScoreSearch]
    versions: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write ``search.json``, and the jets as a table ``anomalous_jets.csv``."""
        document = {"kind": "search", **asdict(self)}
        with atomic_path(folder / "search.json") as temporary:
            text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        rows = [
            {"ranked_by": name, "place": place, **asdict(jet)}
            for name, found in self.scores.items()
            for place, jet in enumerate(found.jets, start=1)
        ]
        with (
            atomic_path(folder / "anomalous_jets.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises:
            InputError: no such file, or no search.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            scores = {
                name: ScoreSearch(
                    found["title"],
                    found["baseline"],
                    [
                        WorkingPoint(**point | {"measured": FigureOfMerit(**point["measured"])})
                        for point in found["working_points"]
                    ],
                    [FoundJet(**jet) for jet in found["jets"]],
                )
                for name, found in document["scores"].items()
            }
            return cls(document["n_jets"], document["n_calibration"], scores, document["versions"])
        except FileNotFoundError:
            raise InputError("no such file", where=path) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"is no search of `darkclr run` ({error})", where=path) from error


def search(scores: pa.Table, background_efficiencies: Sequence[float]) -> Search:
    """The most anomalous jets, and cuts.

    Args:
        scores: table of :func:`~darkclr.anomaly.scoring.score_table` of background with a column
            ``part``; where jets come from files, ``file`` and ``file_event`` say which.
        background_efficiencies: those of the cuts.

    Raises:
        InputError: no jets in the validation part, or scores that are not finite.
    """
    files = ScoreFiles(scores)
    part = np.asarray(scores["part"].to_pylist())
    calibrating, tested = part == "validation", part == "test"
    if not calibrating.any():
        raise InputError(
            "there are no validation jets to calibrate the scores with",
            where="split.validation",
            fix="give that part a larger share, or more jets",
        )
    weight, pt = (scores[name].to_numpy().astype(np.float64) for name in ("weight", "pt"))
    found = {}
    for name in files.names:
        values = files.numbers(name)
        background = BackgroundScores(values[calibrating], weight[calibrating])
        title, baseline = files.describe(name)
        points = [
            _working_point(share, background, values[tested], weight[tested])
            for share in background_efficiencies
        ]
        given_pt = _given_pt(values, pt, weight, calibrating)
        order = np.argsort(-values, kind="stable")[:N_LISTED]
        p_values = background.p_value(values[order])
        jets = []
        for row, p_value in zip(order.tolist(), p_values.tolist(), strict=True):
            given = None if given_pt is None else float(given_pt[row])
            jets.append(_jet(scores, row, float(values[row]), p_value, given))
        found[name] = ScoreSearch(title, baseline, points, jets)
    versions = provenance(files).versions
    return Search(len(scores), int(calibrating.sum()), found, versions)


def mean_scores(members: Sequence[pa.Table]) -> pa.Table:
    """One table of several of the same jets: the mean of each score over all of them.

    Each is counted from the mean of its validation jets, in units of their standard deviation.
    """
    table = members[0]
    calibrating = np.asarray(table["part"].to_pylist()) == "validation"
    if not calibrating.any():
        return table  # which search refuses
    for name in ScoreFiles(table).names:
        values = []
        for member in members:
            score = ScoreFiles(member).numbers(name)
            spread = max(score[calibrating].std(), np.finfo(np.float32).tiny)
            values.append((score - score[calibrating].mean()) / spread)
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(np.mean(values, axis=0)))
    return table


def show_search(found: Search, reporter: Reporter) -> None:
    """Show the most anomalous jets of all scores that are no yardsticks, and the cuts."""
    for name, score in found.scores.items():
        if score.baseline:
            continue
        rows = [
            {
                "file, event, jet": f"{Path(jet.file).name}, {jet.event}, {jet.rank}",
                "part": jet.part,
                "pT": f"{jet.pt:.0f}",
                "mass": "–" if jet.mass is None else f"{jet.mass:.0f}",
                "constituents": jet.n_constituents,
                name: f"{jet.score:.4g}",
                "p-value": f"{jet.p_value:.2g}",
                "at equal pT": _or_dash(jet.p_value_given_pt),
            }
            for jet in score.jets[: N_LISTED // 2]
        ]
        reporter.table(f"most anomalous jets by {score.title}", rows)
    reporter.table(
        "cuts by background efficiency, calibrated on validation jets (efficiency on test jets)",
        [
            {"score": score.title + (" *" if score.baseline else "")}
            | {
                f"{point.background_efficiency:g}": "–"
                if point.cut is None
                else f"{point.cut:.4g} ({point.measured})"
                for point in score.working_points
            }
            for score in found.scores.values()
        ],
    )
    reporter.line(
        f"scored: {found.n_jets} jets; the smallest p-value that {found.n_calibration} validation "
        f"jets can tell is {1 / (found.n_calibration + 1):.2g}"
    )


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _given_pt(
    values: Floats, pt: Floats, weight: Floats, calibrating: NDArray[np.bool_]
) -> Floats | None:
    """The p-value among background of the same pT, (n,), if there are enough jets to learn it.

    What lies beyond all of these jets has no smaller one than they can tell.
    """
    try:
        learned = ConditionalPValue().fit(values[calibrating], pt[calibrating], weight[calibrating])
    except InputError:
        return None
    return np.maximum(np.exp(-learned(values, pt)), 1 / (calibrating.sum() + 1))


def _working_point(
    share: float, background: BackgroundScores, tested: Floats, tested_weight: Floats
) -> WorkingPoint:
    cut = background.cut(share)
    if cut is None:
        return WorkingPoint(share, None, 0, FigureOfMerit(None, None))
    measured = FigureOfMerit(None, None)
    if len(tested):
        above = float(tested_weight[tested >= cut].sum() / tested_weight.sum())
        n_effective = tested_weight.sum() ** 2 / (tested_weight**2).sum()
        measured = FigureOfMerit(above, float(np.sqrt(above * (1 - above) / n_effective)))
    return WorkingPoint(share, cut, int(np.sum(background.score >= cut)), measured)


def _jet(
    table: pa.Table, row: int, score: float, p_value: float, given_pt: float | None
) -> FoundJet:
    def value(*names: str) -> Any:
        name = next((name for name in names if name in table.column_names), None)
        return None if name is None else table[name][row].as_py()

    return FoundJet(
        file=value("file", "sample"),
        event=value("file_event", "event"),
        **{n: value(n) for n in ("rank", "part", "pt", "eta", "phi", "mass", "n_constituents")},
        score=score,
        p_value=p_value,
        p_value_given_pt=given_pt,
        in_domain=value("in_domain"),
    )
