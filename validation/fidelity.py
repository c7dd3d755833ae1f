"""How far the simulated jets are to be trusted: samples, numbers and pictures of docs/fidelity.md.

    python validation/fidelity.py runs/fidelity

simulates what is not there yet (about 20 minutes on 2 cores; stop and go on at will), writes
``validation/fidelity.json``, the tables between the markers of ``docs/fidelity.md`` and its
pictures. The tables are those of the JSON file: ``validation/test_fidelity.py`` holds them to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.evaluation.metrics import auc, background_rejection, roc
from darkclr.io import atomic_path, read_jets
from darkclr.jets import Jets
from darkclr.ragged import segment_sum
from darkclr.report.figures.style import figure, png, styled
from darkclr.reweighting import gluon_weights, match_pt
from darkclr.selection import cut_constituents, recompute_kinematics
from darkclr.simulation.sample import SampleConfig, generate

HERE = Path(__file__).parent
NUMBERS, PAGE = HERE / "fidelity.json", HERE.parent / "docs" / "fidelity.md"
PICTURES = HERE.parent / "docs" / "img"
PUBLISHED = json.loads((HERE / "deciles.json").read_text())
#: Share of gluon jets that brings the deciles near the published: fitted, not predicted.
TUNED_GLUON_SHARE = 0.45
PDG_GLUON = 21

SAMPLES: Mapping[str, SampleConfig] = {
    "qcd": SampleConfig("qcd", n_jets=10_000),
    "aachen": SampleConfig("aachen", n_jets=10_000),
    "qcd_cms": SampleConfig("qcd", n_jets=3000, card="cms"),
    "aachen_cms": SampleConfig("aachen", n_jets=3000, card="cms"),
    "qcd_no_mpi": SampleConfig("qcd", n_jets=3000, mpi=False),
    "aachen_no_mpi": SampleConfig("aachen", n_jets=3000, mpi=False),
    "aachen_fragmentation": SampleConfig(
        "aachen", n_jets=3000, settings=["HiddenValley:setabsigma = 0"]
    ),
}
# What is varied: title, background, signal, lowest pT of a constituent [GeV].
VARIATIONS = (
    ("as all results: ATLAS card, MPI", "qcd", "aachen", 0.0),
    ("CMS card", "qcd_cms", "aachen_cms", 0.0),
    ("no multiparton interactions", "qcd_no_mpi", "aachen_no_mpi", 0.0),
    ("hidden-valley fragmentation of Pythia 8.3", "qcd", "aachen_fragmentation", 0.0),
    ("constituents above 0.5 GeV", "qcd", "aachen", 0.5),
    ("constituents above 1 GeV", "qcd", "aachen", 1.0),
)


@dataclass(frozen=True, eq=False)
class Few:
    """The score of the yardstick: fewer constituents are more anomalous."""

    background: Jets
    signal: Jets
    weight: NDArray[np.float64]  # of the background

    def merits(self, column: str = "few_constituents") -> dict[str, float]:
        """AUC and rejection at a signal efficiency of 0.2 of a column."""
        label = np.repeat([0, 1], [len(self.background), len(self.signal)])
        weight = np.concatenate([self.weight, self.signal.weight])
        score = np.concatenate([_column(j, column) for j in (self.background, self.signal)])
        passing = roc(label, score, weight).background_efficiency_at(0.2)
        return {
            "auc": auc(label, score, weight),
            "rejection": float(background_rejection(passing)),
        }


def deciles(n_constituents: NDArray, weight: ArrayLike | None = None) -> list[int]:
    """Number of constituents, capped at 50, at 0, 10, ... 90 % of the descending list."""
    capped = np.minimum(n_constituents, 50)
    order = np.argsort(-capped, kind="stable")
    weights = np.ones(len(capped)) if weight is None else np.asarray(weight, np.float64)
    share = np.cumsum(weights[order]) / weights.sum()
    return [int(capped[order][np.searchsorted(share, k / 10, side="right")]) for k in range(10)]


def describe(jets: Jets, weight: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Deciles and weighted means with their errors."""
    weight = jets.weight.astype(np.float64) if weight is None else weight
    columns = {name: _column(jets, name) for name in ("n_constituents", "pt", "mass", "ptd")}
    result: dict[str, Any] = {"jets": len(jets), "deciles": deciles(jets.n_constituents, weight)}
    for name, values in columns.items():
        mean = np.average(values, weights=weight)
        error = np.sqrt(np.sum((weight * (values - mean)) ** 2)) / weight.sum()
        result[name] = [float(mean), float(error)]
    return result


def measure(samples: Mapping[str, Jets]) -> dict[str, Any]:
    """Every number of the page."""
    qcd, aachen = samples["qcd"], samples["aachen"]
    parton = qcd.truth["parton_pdg"]
    gluon = parton == PDG_GLUON
    natural = qcd.weight.astype(np.float64)
    tuned = gluon_weights(natural, parton, TUNED_GLUON_SHARE)
    mixtures = {
        "natural": natural,
        "tuned": tuned,
        "quarks": natural * ~gluon,
        "gluons": natural * gluon,
    }
    flat = match_pt(qcd, aachen, seed=1)
    return {
        "gluon_share": float(np.average(gluon, weights=natural)),
        "signal": describe(aachen),
        "mixtures": {
            name: describe(qcd, weight) | {"few_constituents": Few(qcd, aachen, weight).merits()}
            for name, weight in mixtures.items()
        },
        "variations": {
            title: _varied(*(_above(samples[n], pt_min) for n in names))
            for title, *names, pt_min in VARIATIONS
        },
        "pt": {
            title: {
                "background": describe(jets),
                **{
                    column: Few(jets, aachen, jets.weight.astype(np.float64)).merits(column)
                    for column in ("pt", "few_constituents")
                },
            }
            for title, jets in (("as simulated", qcd), ("background matched in pT", flat))
        },
    }


def render(numbers: dict[str, Any]) -> dict[str, str]:
    """Markdown tables by the name of their marker."""

    def row(*cells: object) -> str:
        return "| " + " | ".join(map(str, cells)) + " |"

    def table(head: tuple[str, ...], rows: list[str]) -> str:
        return "\n".join([row(*head), row(*["---"] * len(head)), *rows])

    def spaced(values: list[int]) -> str:
        return " ".join(map(str, values))

    def mean(pair: list[float], digits: int) -> str:
        return f"{pair[0]:.{digits}f} ± {pair[1]:.{digits}f}"

    def merits(pair: dict[str, float]) -> str:
        return f"{pair['auc']:.3f} / {pair['rejection']:.3g}"

    mixtures, share = numbers["mixtures"], numbers["gluon_share"]
    titles = {
        "natural": f"QCD, natural mixture ({share:.0%} gluons)",
        "tuned": f"QCD, {TUNED_GLUON_SHARE:.0%} gluons (tuned)",
        "quarks": "QCD, quark jets only",
        "gluons": "QCD, gluon jets only",
    }
    rows = [row("signal, published", spaced(PUBLISHED["aachen"]), "", "")]
    signal = numbers["signal"]
    rows.append(
        row("**signal, darkclr**", spaced(signal["deciles"]), mean(signal["n_constituents"], 1), "")
    )
    rows.append(row("QCD, published", spaced(PUBLISHED["qcd"]), "", "0.71 (AUC)"))
    for name, title in titles.items():
        entry = mixtures[name]
        rows.append(
            row(
                f"**{title}**" if name == "natural" else title,
                spaced(entry["deciles"]),
                mean(entry["n_constituents"], 1),
                merits(entry["few_constituents"]),
            )
        )
    varied = [
        row(
            title,
            mean(entry["background"]["n_constituents"], 1),
            mean(entry["signal"]["n_constituents"], 1),
            mean(entry["background"]["mass"], 1),
            mean(entry["signal"]["mass"], 1),
            mean(entry["background"]["ptd"], 3),
            mean(entry["signal"]["ptd"], 3),
            merits(entry["few_constituents"]),
        )
        for title, entry in numbers["variations"].items()
    ]
    spectra = [
        row(
            title,
            entry["background"]["jets"],
            mean(entry["background"]["pt"], 1),
            mean(numbers["signal"]["pt"], 1),
            merits(entry["pt"]),
            merits(entry["few_constituents"]),
        )
        for title, entry in numbers["pt"].items()
    ]
    few = "few constituents: AUC / rejection"
    return {
        "deciles": table(("jets", "deciles of min(N, 50)", "mean N", few), rows),
        "variations": table(
            (
                *("varied", "N, QCD", "N, signal", "mass, QCD [GeV]", "mass, signal [GeV]"),
                *("pTD, QCD", "pTD, signal", few),
            ),
            varied,
        ),
        "pt": table(
            (
                *("background", "jets", "mean pT, QCD [GeV]", "mean pT, signal [GeV]"),
                *("jet pT: AUC / rejection", few),
            ),
            spectra,
        ),
    }


def insert(page: str, tables: Mapping[str, str]) -> str:
    """The page with the tables between ``<!-- name -->`` and ``<!-- end -->``."""
    for name, table in tables.items():
        before, rest = page.split(f"<!-- {name} -->\n", 1)
        _, after = rest.split("<!-- end -->", 1)
        page = f"{before}<!-- {name} -->\n{table}\n<!-- end -->{after}"
    return page


def pictures(samples: Mapping[str, Jets]) -> dict[str, bytes]:
    """PNG by file name."""
    qcd, aachen = samples["qcd"], samples["aachen"]
    natural = qcd.weight.astype(np.float64)
    tuned = gluon_weights(natural, qcd.truth["parton_pdg"], TUNED_GLUON_SHARE)
    with styled():
        constituents = figure(9.6, 4.2)
        left, right = constituents.subplots(1, 2)
        for jets, weight, name, style in (
            (qcd, natural, "QCD, natural", {"color": "#5b616b"}),
            (qcd, tuned, "QCD, 45 % gluons (tuned)", {"color": "#5b616b", "linestyle": "--"}),
            (aachen, None, "signal (Aachen)", {"color": "#D55E00"}),
        ):
            left.plot(range(0, 100, 10), deciles(jets.n_constituents, weight), label=name, **style)
        left.plot(range(0, 100, 10), PUBLISHED["qcd"], "s", color="#5b616b", label="QCD, published")
        left.plot(
            range(0, 100, 10), PUBLISHED["aachen"], "o", color="#D55E00", label="signal, published"
        )
        left.set(xlabel="rank in the descending list [%]", ylabel="min(N, 50)")
        left.legend()
        bins = np.arange(0, 121, 4)
        for name, jets, style in (
            ("quark jets", qcd[np.abs(qcd.truth["parton_pdg"]) < 7], {"color": "#0072B2"}),
            ("gluon jets", qcd[qcd.truth["parton_pdg"] == PDG_GLUON], {"color": "#009E73"}),
            ("signal", aachen, {"color": "#D55E00"}),
            (
                "signal, fragmentation of Pythia 8.3",
                samples["aachen_fragmentation"],
                {"color": "#D55E00", "linestyle": "--"},
            ),
        ):
            right.hist(
                *(jets.n_constituents, bins), density=True, histtype="step", label=name, **style
            )
        right.set(
            xlabel="number of constituents N", ylabel="density", xlim=(0, 120), ylim=(0, 0.062)
        )
        right.legend()

        spectra = figure(6.4, 4.2)
        axes = spectra.subplots()
        for name, jets, style in (
            ("QCD", qcd, {"color": "#5b616b"}),
            ("QCD, matched", match_pt(qcd, aachen, seed=1), {"color": "#5b616b", "ls": "--"}),
            ("signal", aachen, {"color": "#D55E00"}),
        ):
            axes.hist(
                *(jets.pt, np.linspace(150, 300, 31)),
                density=True,
                histtype="step",
                label=name,
                **style,
            )
        axes.set(xlabel="jet pT [GeV]", ylabel="density [1/GeV]", xlim=(150, 300))
        axes.legend()
    return {
        "fidelity_constituents.png": png(constituents),
        "fidelity_pt.png": png(spectra),
    }


def _above(jets: Jets, pt_min: float) -> Jets:
    return recompute_kinematics(cut_constituents(jets, pt_min=pt_min)) if pt_min else jets


def _varied(background: Jets, signal: Jets) -> dict[str, Any]:
    weight = background.weight.astype(np.float64)
    return {
        "background": describe(background),
        "signal": describe(signal),
        "few_constituents": Few(background, signal, weight).merits(),
    }


def _column(jets: Jets, name: str) -> NDArray[np.float64]:
    if name == "few_constituents":
        return -jets.n_constituents.astype(np.float64)
    if name == "ptd":
        c = jets.constituents
        squares = segment_sum(c.pt.astype(np.float64) ** 2, c.offsets)
        return np.sqrt(squares) / segment_sum(c.pt, c.offsets)
    return np.asarray(getattr(jets, name), dtype=np.float64)


def main(folder: Path) -> None:
    """Simulate, measure, write."""
    samples = {}
    for name, config in SAMPLES.items():
        print(f"{name}: {config.n_jets} jets", flush=True)
        samples[name] = read_jets(generate(config, folder / f"{name}.parquet"))
    numbers = measure(samples)
    for path, content in (
        (NUMBERS, (json.dumps(numbers, indent=1) + "\n").encode()),
        (PAGE, insert(PAGE.read_text(), render(numbers)).encode()),
        *((PICTURES / name, content) for name, content in pictures(samples).items()),
    ):
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/fidelity"))
