"""Jets of a run: the most anomalous, their scores, their constituents, their copies."""

from __future__ import annotations

from darkclr.augmentations import Augmentations
from darkclr.errors import InputError
from darkclr.report.displays import displayed_jets
from darkclr.report.figures.distributions import constituents_figure, score_figure
from darkclr.report.figures.event_display import event_display
from darkclr.report.figures.jets import augmentations_figure, shown_augmentations, typical_jets
from darkclr.report.page.html import Section
from darkclr.report.run_files import RunFiles, read_constituent_counts, split_classes
from darkclr.report.sections.writing import add, or_say_why

__all__ = ["augmentations", "constituents", "displays", "scores"]


def displays(files: RunFiles, augmentations: Augmentations) -> Section:
    """The most anomalous jets as event displays."""
    section = Section(
        "displays",
        "Most anomalous jets, drawn",
        "The constituents of a jet in the η-φ plane, its copies by augmentations, and the "
        "background jets that are next to it in the representation.",
    )
    with or_say_why(section, "the event displays"):
        by, shown = displayed_jets(files, augmentations)
        section.text += f" Of all jets that were scored, these are first by {by}."
        for place, jet in enumerate(shown, start=1):
            facts = ", ".join(f"{name} {value}" for name, value in jet.facts.items())
            caption = f"{jet.title}: {facts}."
            add(section, f"jet_{place}", caption, event_display(jet), wide=True)
    return section


def scores(files: RunFiles) -> Section:
    """The distribution of each score."""
    section = Section(
        "scores",
        "Score distributions",
        "Held-out jets, each class normalised to 1. The outermost bins hold what lies beyond.",
    )
    with or_say_why(section, "the score distributions"):
        for name in files.scores.names:
            classes = split_classes(files.scores, name, files.title)
            title, _ = files.scores.describe(name)
            unit = "GeV" if name == "jet_pt" else ""
            picture = score_figure(title, classes.background, classes.signals, classes.title, unit)
            what = " and signal" if classes.signals else ""
            add(section, f"score_{name}", f"{title}: {classes.title}{what}.", picture)
    return section


def constituents(files: RunFiles) -> Section:
    """The number of constituents of each class of jets."""
    section = Section(
        "constituents",
        "Number of constituents",
        "Dropping constituents of background jets makes the stand-in for anomalies that the "
        "encoder is trained against.",
    )
    with or_say_why(section, "the number of constituents"):
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
        add(section, "constituents", caption, picture)
    return section


def augmentations(files: RunFiles, shown: Augmentations) -> Section:
    """Three jets before and after each of the augmentations that are shown."""
    section = Section(
        "augmentations",
        "Augmentations",
        "Three background jets with few, middling and many constituents, as they are and after "
        "each augmentation.",
    )
    with or_say_why(section, "the augmentations"):
        constituents = typical_jets(files.background_jets())
        picture = augmentations_figure(constituents, shown_augmentations(shown))
        caption = (
            "Constituents in the η-φ plane about the jet axis (+). The area of a marker is "
            "proportional to pT. Blue: the jet or its view; grey rings: the original."
        )
        add(section, "augmentations", caption, picture, wide=True)
    return section
