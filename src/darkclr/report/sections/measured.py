"""What a run has measured: figures of merit or, without any signal, its most anomalous jets."""

from __future__ import annotations

from darkclr.errors import InputError
from darkclr.evaluation.search import Search
from darkclr.report.figures.roc import MINIMUM_BACKGROUND, rejection_figure, significance_figure
from darkclr.report.figures.sculpting import QUANTITIES, sculpting_figure
from darkclr.report.page.html import Section, box, sculpting_table, summary_table
from darkclr.report.page.search import cuts_table, jets_table
from darkclr.report.page.working_point import working_point_markup
from darkclr.report.provenance import selection
from darkclr.report.run_files import RunFiles
from darkclr.report.sections.writing import add, or_say_why

__all__ = ["results", "roc", "sculpting", "search", "working_point"]


def search(files: RunFiles) -> tuple[Section, Section]:
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
    with or_say_why(jets, "the most anomalous jets"):
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


def results(files: RunFiles) -> Section:
    """The table of scores."""
    section = Section(
        "results",
        "Results",
        "Area under the ROC curve, background rejection at fixed signal efficiencies, and the "
        "largest significance improvement: as simulated, and with background weighted to the "
        "spectrum of each signal, where a score gains nothing by following it. Uncertainties: 68 % "
        "of a bootstrap over events, the weights included. Yardsticks come from the same jets. "
        "Bold is what leads its column by more than the errors of both.",
    )
    with or_say_why(section, "the table of scores"):
        section.markup = summary_table(files.metrics, files.title)
        if below := files.metrics.below_yardsticks():
            section.markup += box("Scores that are no better than a yardstick", "; ".join(below))
    return section


def working_point(files: RunFiles) -> Section:
    """Figures of merit at a working point that readers choose."""
    section = Section(
        "working-point",
        "Working point",
        "Fix an efficiency and read what each score does there, as simulated and at equal pT.",
    )
    with or_say_why(section, "the working point"):
        section.markup = working_point_markup(files.metrics, selection(files))
    return section


def roc(files: RunFiles) -> Section:
    """The curves of all scores, a pair for each signal."""
    section = Section(
        "roc",
        "ROC curves",
        "Bands: 68 % of a bootstrap over events. Curves end where fewer than "
        f"{MINIMUM_BACKGROUND} background jets pass.",
    )
    with or_say_why(section, "the ROC curves"):
        metrics, where = files.metrics, selection(files)
        for signal in metrics.signals:
            title = files.title(signal)
            add(
                section,
                f"roc_{signal}",
                f"Background rejection against signal efficiency, signal {title}.",
                rejection_figure(metrics, signal, title, where),
                wide=True,
            )
            add(
                section,
                f"significance_{signal}",
                f"Significance improvement against signal efficiency, signal {title}.",
                significance_figure(metrics, signal, title, where),
                wide=True,
            )
    return section


def sculpting(files: RunFiles) -> Section:
    """How cuts on the scores change the spectra of the background."""
    section = Section(
        "sculpting",
        "Spectra of the background above a cut",
        "The share of background jets above a cut as a function of their pT and mass, over the "
        "share of all jets. A score that follows them puts a shape into the very spectrum in which "
        "one looks for a bump; one that does not is flat at 1 (grey: ±20 %). The table has the "
        "largest deviation of a bin, what a flat score stays below in 95 % of such samples, and "
        "the Jensen-Shannon divergence of the spectra of jets above and below the cut.",
    )
    with or_say_why(section, "the spectra above a cut"):
        metrics = files.metrics
        for quantity in QUANTITIES:
            if any((e.sculpting or {}).get(quantity) for e in metrics.scores.values()):
                name = {"pt": "pT"}.get(quantity, quantity)
                caption = f"Share of background above cuts on the scores, in bins of jet {name}."
                picture = sculpting_figure(metrics, quantity)
                add(section, f"sculpting_{quantity}", caption, picture, wide=True)
                section.markup += f"<h3>{name}</h3>" + sculpting_table(metrics, quantity)
        if not section.pictures:
            raise InputError(
                "no cut with enough jets in the figures of merit",
                where=files.folder / "metrics.json",
                fix="evaluate more background jets",
            )
    return section
