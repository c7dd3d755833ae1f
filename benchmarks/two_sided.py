"""Where background and signals lie, and why a two-sided density cannot find the latter.

    python benchmarks/two_sided.py runs/robustness/encoder-1 --output docs/results/two_sided

Reads a run, or an encoder of an ensemble. Features are what is left of the pooled representation
given jet pT, in units of its spread at that pT. In them

- u is the score of the discriminant of the background's own copies, of mean 0 and spread 1 on
  background: the direction in which jets lose constituents;
- the distance across u is the Mahalanobis distance from the background's mean in all others.

For each signal: where it lies in both, and the figures of merit at equal jet pT of one-sided and
two-sided scores of the same features: u itself, |u|, the Mahalanobis distance in all directions and
in the 16 largest, a mixture of Gaussians as a density p0 of background, and the ratio of the same
density of copies to it, log p1/p0. Densities are fitted on training jets, figures are of test jets.
Labels are read for the table alone; nothing is chosen by it. Writes OUTPUT.json, .pdf and .png.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.mixture import GaussianMixture

from darkclr.anomaly.conditioning import Residual
from darkclr.anomaly.detectors.discriminant import Discriminant
from darkclr.contrastive.model_directory import training_split
from darkclr.evaluation.metrics import roc
from darkclr.io.representations import read_representations
from darkclr.representations import Representations
from darkclr.reweighting import equal_spectrum_weights

EFFICIENCY = 0.2
N_LARGEST, N_GAUSSIANS = 16, 6


class Geometry:
    """What is fitted on the training part of background and of its copies."""

    def __init__(self, train: Representations) -> None:
        own = train[~train.dropped]
        self.given = Residual().fit(own.pooled, own.pt, own.weight)
        jets, copies = self._left(own), self._left(train[train.dropped])
        self.discriminant = Discriminant().fit(
            np.concatenate([jets, copies]), np.repeat([0, 1], [len(jets), len(copies)])
        )
        u = self.discriminant.score_samples(jets)
        self.mean, self.spread = u.mean(), u.std()
        self.centre = jets.mean(axis=0)
        variance, directions = np.linalg.eigh(np.cov(jets.T))
        kept = variance > 1e-9 * variance.max()
        order = np.argsort(variance[kept])[::-1]
        self.whiten = (directions[:, kept] / np.sqrt(variance[kept]))[:, order]
        axis = self.whiten.T @ np.cov(jets.T) @ self.discriminant.coef_
        self.axis = axis / np.linalg.norm(axis)  # u in whitened coordinates
        white = [self.white(rows)[:, :N_LARGEST] for rows in (jets, copies)]
        self.densities = [
            GaussianMixture(N_GAUSSIANS, reg_covar=1e-4, random_state=0).fit(rows) for rows in white
        ]

    def _left(self, rows: Representations) -> NDArray[np.float64]:
        return self.given(rows.pooled, rows.pt)

    def white(self, left: NDArray[np.float64]) -> NDArray[np.float64]:
        """Uncorrelated, of variance 1 on background, the direction of largest variance first."""
        return (left - self.centre) @ self.whiten

    def scores(self, rows: Representations) -> dict[str, NDArray[np.float64]]:
        """All scores of jets, higher = more anomalous, and the distance across u."""
        left = self._left(rows)
        white = self.white(left)
        u = (self.discriminant.score_samples(left) - self.mean) / self.spread
        p0, p1 = (density.score_samples(white[:, :N_LARGEST]) for density in self.densities)
        across = (white**2).sum(axis=1) - (white @ self.axis) ** 2
        return {
            "number of constituents *": -rows.n_constituents.astype(float),
            "u, one-sided": u,
            "|u|": np.abs(u),
            f"Mahalanobis distance, {white.shape[1]} directions": (white**2).sum(axis=1),
            "Mahalanobis distance, 16 directions": (white[:, :N_LARGEST] ** 2).sum(axis=1),
            "mixture of Gaussians, -log p0": -p0,
            "mixture of Gaussians, log p1/p0": p1 - p0,
            "across": across,
        }


def measure(model: Path) -> tuple[dict, dict[str, dict[str, NDArray]]]:
    """Numbers of all signals, and u and distance of all samples for the picture."""
    split = training_split(model / "encoder")
    rows = {
        p.stem: read_representations(p)
        for p in sorted((model / "representations").glob("[!.]*.parquet"))
    }
    background = next(n for n, r in rows.items() if not r.label.any())
    geometry = Geometry(rows[background].part("train", split))
    test = rows.pop(background).part("test", split)
    test = test[~test.dropped]
    of_background = geometry.scores(test)
    places = {background: of_background}
    found: dict[str, dict] = {}
    for name, signal in rows.items():
        of_signal = places[name] = geometry.scores(signal)
        weight = equal_spectrum_weights([test.pt], test.weight, [signal.pt], signal.weight)
        label = np.repeat([0, 1], [len(test), len(signal)])
        all_weights = np.concatenate([weight, signal.weight])
        figures = {}
        for score, values in of_signal.items():
            if score == "across":
                continue
            curve = roc(label, np.concatenate([of_background[score], values]), all_weights)
            figures[score] = {
                "auc": curve.auc,
                "rejection": float(1 / curve.background_efficiency_at(EFFICIENCY)),
            }
        u, across = of_signal["u, one-sided"], of_signal["across"]
        at_equal = weight / weight.sum()
        u0 = of_background["u, one-sided"]
        found[name] = {
            "u_mean": float(u.mean()),
            "u_spread": float(u.std()),
            "u_mean_of_background": float(at_equal @ u0),
            "share_below_minus_1": float((u < -1).mean()),
            "share_of_background_below_minus_1": float(at_equal @ (u0 < -1)),
            "median_across": float(np.median(across)),
            "median_across_of_background": float(np.median(of_background["across"])),
            "figures": figures,
        }
    return found, places


def two_sided_auc(shift: float, directions: int, n: int = 200_000) -> float:
    """AUC of chi-squared for a shift of a Gaussian in one of some directions."""
    rng = np.random.default_rng(0)
    signal = chi2.rvs(directions - 1, size=n, random_state=rng) if directions > 1 else 0.0
    signal = signal + (rng.normal(size=n) + shift) ** 2
    return float(chi2.cdf(signal, directions).mean())


def picture(found: dict, places: dict[str, dict[str, NDArray]], path: Path) -> None:
    """Left: u of background and signals. Right: u and the distance across it."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    colours = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00"]
    background = next(name for name in places if name not in found)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    edges = np.linspace(-4, 4, 65)
    u0, across0 = places[background]["u, one-sided"], places[background]["across"]
    left.hist(u0, edges, density=True, color="#d5d8dc", label="QCD jets")
    for colour, name in zip(colours, found, strict=False):
        left.hist(
            places[name]["u, one-sided"], edges, density=True, histtype="step", lw=1.6,
            color=colour, label=name,
        )  # fmt: skip
    left.axvspan(-4, -1, color="black", alpha=0.06, lw=0)
    left.set(xlabel="u, the direction of the background's own copies", ylabel="jets per unit of u")
    left.set_xlim(-4, 4)
    left.legend(frameon=False)
    axes = [np.linspace(-4, 4, 45), np.linspace(0, np.quantile(across0, 0.97), 45)]
    counts, x, y = np.histogram2d(u0, across0, axes)
    right.pcolormesh(x, y, counts.T, cmap="Greys", rasterized=True)
    for colour, name in zip(colours, found, strict=False):
        u, across = places[name]["u, one-sided"], places[name]["across"]
        low, middle, high = np.quantile(u, [0.16, 0.5, 0.84])
        bottom, centre, top = np.quantile(across, [0.16, 0.5, 0.84])
        right.errorbar(
            middle, centre, [[centre - bottom], [top - centre]], [[middle - low], [high - middle]],
            fmt="o", color=colour, ms=5, lw=1.4, label=name,
        )  # fmt: skip
    right.set(xlabel="u", ylabel="squared Mahalanobis distance across u")
    right.legend(frameon=False, title="median, central 68 %")
    for suffix in ("pdf", "png"):
        figure.savefig(path.with_suffix(f".{suffix}"), dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="run, or encoder of an ensemble")
    parser.add_argument("--output", type=Path, default=Path("two_sided"))
    options = parser.parse_args()
    found, places = measure(options.model)
    shifts = [round(entry["u_mean"] - entry["u_mean_of_background"], 2) for entry in found.values()]
    expected = {k: [two_sided_auc(d, k) for d in shifts] for k in (1, 16, 64)}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    document = {"model": str(options.model), "signals": found, "chi_squared_auc": expected}
    options.output.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    picture(found, places, options.output)
    print("| |", " | ".join(found), "|")
    print("|---|" + "---|" * len(found))
    for key in next(iter(found.values())):
        if key != "figures":
            print(f"| {key} |", " | ".join(f"{entry[key]:.2f}" for entry in found.values()), "|")
    for score in next(iter(found.values()))["figures"]:
        cells = [entry["figures"][score] for entry in found.values()]
        print(
            f"| {score} |", " | ".join(f"{c['auc']:.3f} / {c['rejection']:.0f}" for c in cells), "|"
        )
    for k, aucs in expected.items():
        print(
            f"| chi-squared of {k} Gaussian directions, shifted |",
            " | ".join(f"{a:.3f}" for a in aucs),
            "|",
        )


if __name__ == "__main__":
    main()
