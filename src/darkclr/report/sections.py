"""The sections of the page: each reads its files from the run directory and draws its pictures.

A picture whose input is missing or broken is left out, and a line says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from darkclr.augmentations import Augmentations
from darkclr.contrastive.pairs import encoder_verdict
from darkclr.errors import DarkclrError, InputError
from darkclr.evaluation.search import Search
from darkclr.io.parquet import read_table
from darkclr.jets import Jets
from darkclr.report.displays import displayed_jets
from darkclr.report.distributions import (
    constituents_figure,
    norm_figure,
    score_figure,
    similarity_figure,
)
from darkclr.report.event_display import event_display
from darkclr.report.html import (
    Picture,
    Section,
    box,
    folded,
    key_values,
    sculpting_table,
    summary_table,
)
from darkclr.report.jets import augmentations_figure, shown_augmentations, typical_jets
from darkclr.report.normalization import density_figure, verdict_box
from darkclr.report.provenance import provenance, selection
from darkclr.report.roc import MINIMUM_BACKGROUND, rejection_figure, significance_figure
from darkclr.report.run_files import (
    RunFiles,
    read_constituent_counts,
    read_history,
    read_timings,
    split_classes,
)
from darkclr.report.sculpting import QUANTITIES, sculpting_figure
from darkclr.report.search import cuts_table, jets_table
from darkclr.report.style import images
from darkclr.report.training import encoder_figure, energies_figure, loss_figure
from darkclr.report.working_point import working_point_markup

__all__ = ["sections"]


def sections(
    run: Path, augmentations: Augmentations, background: Jets | None = None
) -> list[Section]:
    """All sections of the page about one run, in order; the background may have been read."""
    files = RunFiles(run, background)
    measured = (_results, _working_point, _roc, _sculpting)
    return [
        *(_search(files) if _without_signal(run) else (section(files) for section in measured)),
        _displays(files, augmentations),
        _scores(files),
        _constituents(files),
        _augmentations(files, augmentations),
        _training(run),
        _similarity(run),
        _energies(run),
        _facts(files),
    ]


def _without_signal(run: Path) -> bool:
    return (run / "search.json").exists() and not (run / "metrics.json").exists()


def _search(files: RunFiles) -> tuple[Section, Section]:
    """What a run without any signal finds."""
    jets = Section(
        "jets",
        "Most anomalous jets",
        "The jets that each score finds most anomalous, of all parts: the training part is what "
        "encoder and scores were fitted on. The p-value is the share of validation background that "
        "is at least as anomalous, as measured and among jets of the same pT: a score that follows "
        "pT finds the hardest or softest jets, and these are not anomalous at equal pT. Events are "
        "counted as in their file, from 0 where it does not number them; jet 0 is the hardest.",
    )
    cuts = Section(
        "cuts",
        "Cuts",
        "Scores above which the given share of background lies, calibrated on validation jets and "
        "measured on test jets.",
    )
    with _or_say_why(jets, "the most anomalous jets"):
        found = Search.read(files.folder / "search.json")
        jets.markup, cuts.markup = jets_table(found), cuts_table(found)
        n = found.n_calibration
        jets.missing.append(
            f"With {n} validation jets no p-value is below {1 / (n + 1):.2g}: more jets, or a "
            "larger split.validation, tell smaller ones."
        )
        first = next(iter(found.scores.values()))
        if first.jets and first.jets[0].p_value_given_pt is None:
            jets.missing.append("p-values at equal pT need at least 100 validation jets.")
        if any(point.cut is None for point in first.working_points):
            cuts.missing.append(
                "A dash: too few validation jets for the cut; 1 / ε of them are the least."
            )
    cuts.missing.append(
        "ROC curves, rejections and sculpting are left out: there is no signal among the samples. "
        "Name one beside the background, simulated (process: aachen) or from files (label: 1)."
    )
    return jets, cuts


def _results(files: RunFiles) -> Section:
    section = Section(
        "results",
        "Results",
        "Area under the ROC curve, background rejection at fixed signal efficiencies, and the "
        "largest significance improvement: as simulated, and with background weighted to the "
        "spectrum of each signal, where a score gains nothing by following it. Uncertainties: 68 % "
        "of a bootstrap over events, the weights included. Yardsticks come from the same jets. "
        "Bold is what leads its column by more than the errors of both.",
    )
    with _or_say_why(section, "the table of scores"):
        section.markup = summary_table(files.metrics, files.title)
        if below := files.metrics.below_yardsticks():
            section.markup += box("Scores that are no better than a yardstick", "; ".join(below))
    return section


def _working_point(files: RunFiles) -> Section:
    section = Section(
        "working-point",
        "Working point",
        "Fix an efficiency and read what each score does there, as simulated and at equal pT.",
    )
    with _or_say_why(section, "the working point"):
        section.markup = working_point_markup(files.metrics, selection(files))
    return section


def _roc(files: RunFiles) -> Section:
    section = Section(
        "roc",
        "ROC curves",
        "Bands: 68 % of a bootstrap over events. Curves end where fewer than "
        f"{MINIMUM_BACKGROUND} background jets pass.",
    )
    with _or_say_why(section, "the ROC curves"):
        metrics, where = files.metrics, selection(files)
        for signal in metrics.signals:
            title = files.title(signal)
            _add(
                section,
                f"roc_{signal}",
                f"Background rejection against signal efficiency, signal {title}.",
                rejection_figure(metrics, signal, title, where),
                wide=True,
            )
            _add(
                section,
                f"significance_{signal}",
                f"Significance improvement against signal efficiency, signal {title}.",
                significance_figure(metrics, signal, title, where),
                wide=True,
            )
    return section


def _sculpting(files: RunFiles) -> Section:
    section = Section(
        "sculpting",
        "Spectra of the background above a cut",
        "The share of background jets above a cut as a function of their pT and mass, over the "
        "share of all jets. A score that follows them puts a shape into the very spectrum in which "
        "one looks for a bump; one that does not is flat at 1 (grey: ±20 %). The table has the "
        "largest deviation of a bin, what a flat score stays below in 95 % of such samples, and "
        "the Jensen-Shannon divergence of the spectra of jets above and below the cut.",
    )
    with _or_say_why(section, "the spectra above a cut"):
        metrics = files.metrics
        for quantity in QUANTITIES:
            if any((e.sculpting or {}).get(quantity) for e in metrics.scores.values()):
                name = {"pt": "pT"}.get(quantity, quantity)
                caption = f"Share of background above cuts on the scores, in bins of jet {name}."
                picture = sculpting_figure(metrics, quantity)
                _add(section, f"sculpting_{quantity}", caption, picture, wide=True)
                section.markup += f"<h3>{name}</h3>" + sculpting_table(metrics, quantity)
        if not section.pictures:
            raise InputError(
                "no cut with enough jets in the figures of merit",
                where=files.folder / "metrics.json",
                fix="evaluate more background jets",
            )
    return section


def _displays(files: RunFiles, augmentations: Augmentations) -> Section:
    section = Section(
        "displays",
        "Most anomalous jets, drawn",
        "The constituents of a jet in the η-φ plane, its copies by augmentations, and the "
        "background jets that are next to it in the representation.",
    )
    with _or_say_why(section, "the event displays"):
        by, shown = displayed_jets(files, augmentations)
        section.text += f" Of all jets that were scored, these are first by {by}."
        for place, jet in enumerate(shown, start=1):
            facts = ", ".join(f"{name} {value}" for name, value in jet.facts.items())
            caption = f"{jet.title}: {facts}."
            _add(section, f"jet_{place}", caption, event_display(jet), wide=True)
    return section


def _scores(files: RunFiles) -> Section:
    section = Section(
        "scores",
        "Score distributions",
        "Held-out jets, each class normalised to 1. The outermost bins hold what lies beyond.",
    )
    with _or_say_why(section, "the score distributions"):
        for name in files.scores.names:
            classes = split_classes(files.scores, name, files.title)
            title, _ = files.scores.describe(name)
            unit = "GeV" if name == "jet_pt" else ""
            picture = score_figure(title, classes.background, classes.signals, classes.title, unit)
            what = " and signal" if classes.signals else ""
            _add(section, f"score_{name}", f"{title}: {classes.title}{what}.", picture)
    return section


def _constituents(files: RunFiles) -> Section:
    section = Section(
        "constituents",
        "Number of constituents",
        "Dropping constituents of background jets makes the stand-in for anomalies that the "
        "encoder is trained against.",
    )
    with _or_say_why(section, "the number of constituents"):
        try:
            classes = read_constituent_counts(files.folder / "representations", files.title)
        except InputError as error:
            section.missing.append(f"No dropped copies: {error}.")
            classes = split_classes(files.scores, "n_constituents", files.title)
        picture = constituents_figure(
            classes.background, classes.dropped, classes.signals, classes.title
        )
        what = ", and signal jets" if classes.signals else ""
        caption = f"Number of constituents of {classes.title} jets and their dropped copies{what}."
        _add(section, "constituents", caption, picture)
    return section


def _augmentations(files: RunFiles, augmentations: Augmentations) -> Section:
    section = Section(
        "augmentations",
        "Augmentations",
        "Three background jets with few, middling and many constituents, as they are and after "
        "each augmentation.",
    )
    with _or_say_why(section, "the augmentations"):
        constituents = typical_jets(files.background_jets())
        picture = augmentations_figure(constituents, shown_augmentations(augmentations))
        caption = (
            "Constituents in the η-φ plane about the jet axis (+). The area of a marker is "
            "proportional to pT. Blue: the jet or its view; grey rings: the original."
        )
        _add(section, "augmentations", caption, picture, wide=True)
    return section


def _training(run: Path) -> Section:
    section = Section(
        "training",
        "Training of the encoder",
        "The terms of the loss apart, on training and on validation jets, background only. "
        "Alignment should rise to +1 and the similarity to dropped views fall to −1, while "
        "different jets keep away from +1.",
    )
    with _or_say_why(section, "the training curves"):
        history = read_history(run / "encoder" / "history.csv", ("loss",))
        caption = "Terms of the contrastive training against the epoch."
        _add(section, "training", caption, encoder_figure(history), wide=True)
    return section


def _similarity(run: Path) -> Section:
    section = Section(
        "similarity",
        "Similarity of the pairs",
        "Validation jets after the training. If different jets all sat at +1, the encoder would "
        "have collapsed.",
    )
    with _or_say_why(section, "the similarity of the pairs"):
        path = run / "encoder" / "pairs.parquet"
        table = read_table(path)
        pairs = {name: table[name].to_numpy() for name in table.column_names}
        missing = [n for n in ("positive_similarity", "anomalous_similarity") if n not in pairs]
        if missing or not len(table):
            raise InputError(f"missing columns {missing}" if missing else "empty", where=path)
        if {"background_similarity", "norm", "anomalous_norm"} <= set(pairs):
            section.markup += box("Verdict", encoder_verdict(pairs).sentence())
        picture = similarity_figure(
            pairs["positive_similarity"],
            pairs["anomalous_similarity"],
            pairs.get("background_similarity"),
        )
        _add(section, "similarity", "Cosine similarities of pairs of views.", picture)
        if {"norm", "anomalous_norm"} <= set(pairs):
            picture = norm_figure(pairs["norm"], pairs["anomalous_norm"])
            _add(section, "norm", "Norms of background jets and of their dropped copies.", picture)
    return section


def _energies(run: Path) -> Section:
    section = Section(
        "energies",
        "Training of the densities",
        "The normalised autoencoder has learned the density of the background where the energies "
        "of jets (E₊) and of samples of its Markov chains (E₋) agree, provided the chains move. "
        "Energies and distances are those of representations and have no unit.",
    )
    paths = sorted((run / "scores").glob("*/history.csv"))
    for path in paths:
        name = path.parent.name
        with _or_say_why(section, f"the energies of {name}"):
            history = read_history(path, ("epoch",))
            if "train_loss" in history:  # a density without reconstruction
                _add(section, f"loss_{name}", f"Loss of {name}.", loss_figure(history))
                continue
            history = read_history(path, ("epoch", "train_energy", "validation_energy"))
            picture = energies_figure(history)
            wide = len(picture.axes) > 1
            caption = f"Energies of {name}.{_divergence(history)}"
            _add(section, f"energies_{name}", caption, picture, wide=wide)
            section.markup += verdict_box(path.with_name("verdict.json"), name)
            drawn = path.with_name("samples.csv")
            if drawn.exists():
                columns = ("kind", "direction_1", "direction_2", "energy")
                picture = density_figure(read_history(drawn, columns), history)
                caption = f"Jets and samples of {name}, of the epoch that was kept."
                _add(section, f"density_{name}", caption, picture, wide=True)
    if not paths:
        section.missing.append("The energies are left out: no scores/*/history.csv.")
    return section


def _divergence(history: dict[str, np.ndarray]) -> str:
    n = int(np.sum(history.get("stage", np.array([])) == "diverged"))
    if not n:
        return ""
    times = "once" if n == 1 else f"{n} times"
    return (
        f" The normalisation diverged {times} and went on from its last good epoch with half the "
        "learning rate; such epochs are not drawn."
    )


def _facts(files: RunFiles) -> Section:
    section = Section("run", "The run")
    with _or_say_why(section, "the times"):
        timings = read_timings(files.folder / "timings.json")
        rows = {step: _duration(seconds) for step, seconds in timings.items()}
        rows["total"] = _duration(sum(timings.values()))
        section.markup += "<h3>Wall-clock</h3>" + key_values(rows)
    with _or_say_why(section, "the samples"):
        if _without_signal(files.folder):
            found = Search.read(files.folder / "search.json")
            rows, versions = {"all": f"{found.n_jets:,} jets"}, found.versions
        else:
            metrics = files.metrics
            rows = {
                files.title(name): f"{n.n_jets:,} jets of {n.n_events:,} events"
                for name, n in metrics.samples.items()
            }
            versions = metrics.provenance.versions
        section.markup += "<h3>Scored jets</h3>" + key_values(rows)
        section.markup += "<h3>Provenance</h3>" + key_values(provenance(files, versions))
    with _or_say_why(section, "the configuration"):
        path = files.folder / "config.yaml"
        if not path.is_file():
            raise InputError("no such file", where=path)
        text = path.read_text(encoding="utf-8", errors="replace")
        section.markup += folded("Configuration", text)
    return section


@contextmanager
def _or_say_why(section: Section, what: str) -> Iterator[None]:
    try:
        yield
    except DarkclrError as error:
        section.missing.append(f"{what[0].upper()}{what[1:]} is left out: {error}.")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A file of the right form may still hold what cannot be drawn.
        reason = " ".join(str(error).split())
        section.missing.append(
            f"{what[0].upper()}{what[1:]} is left out: it cannot be drawn ({reason:.200})."
        )


def _add(section: Section, name: str, caption: str, picture: Figure, *, wide: bool = False) -> None:
    section.pictures.append(Picture(name, caption, *images(picture), wide))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.3g} s"
