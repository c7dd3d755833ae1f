from __future__ import annotations

import base64
import io
import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import yaml
from matplotlib.image import imread
from toy import toy_jets

from darkclr.augmentations import Augmentations, ConstituentDrop, PtReweighting, recentre
from darkclr.errors import InputError
from darkclr.evaluation import FigureOfMerit, read_metrics
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import read_table
from darkclr.report import report, run_files
from darkclr.report.figures.jets import shown_augmentations
from darkclr.report.page.html import clearly_best

TITLES = {"qcd": "QCD", "aachen": "Aachen"}
JETS = {"jet_1", "jet_2", "jet_3"}
SECTIONS = (
    "results", "working-point", "roc", "sculpting", "displays", "scores", "constituents",
    "augmentations", "training", "similarity", "energies", "run",
)  # fmt: skip
PICTURES = {
    "roc_aachen", "significance_aachen", "sculpting_pt", "score_norm", "score_discriminant",
    "score_autoencoder", "score_nae", "score_few_constituents", "score_jet_pt", "constituents",
    "augmentations", "training", "similarity", "norm", "energies_autoencoder", "energies_nae",
} | JETS  # fmt: skip


class Page(HTMLParser):
    """Tags with their attributes, and the text of the cells and of the notes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def notes(self) -> int:
        return sum(a.get("class") == "missing" for a in self.all("p"))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made but not drawn, which takes most of the time."""
    monkeypatch.setattr("darkclr.report.sections.writing.images", lambda figure: (b"", b""))


@pytest.fixture(scope="module")
def page(finished_run) -> Page:
    return Page(report(finished_run))


def test_nothing_outside_the_file_is_needed(page):
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), value[:60]
    assert not {"link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert [a.get("type") for a in page.all("script")] == ["application/json", None]
    assert len(page.text) < 3_000_000
    for word in ("http://", "https://", "url(", "@import"):
        assert word not in page.text


def test_every_picture_is_an_embedded_png_that_says_what_it_shows(page):
    images = page.all("img")
    assert len(images) == len(PICTURES)
    for image in images:
        assert image["alt"]
        data = base64.b64decode(image["src"].split(",", 1)[1], validate=True)
        pixels = imread(io.BytesIO(data), format="png")
        assert pixels.shape[0] > 300
        assert pixels.shape[1] > 300
        assert pixels.std() > 0.01  # not blank
        # Its place is kept before it is drawn, and nothing waits for a reader to come by.
        assert (int(image["height"]), int(image["width"])) == pixels.shape[:2]
        assert "loading" not in image


def test_every_section_is_there_and_linked(page):
    assert tuple(a["id"] for a in page.all("section")) == SECTIONS
    assert {a["href"] for a in page.all("a")} == {f"#{name}" for name in SECTIONS}
    assert page.notes == 0


def test_pictures_are_files_too(finished_run, page):
    for ending, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        paths = list((finished_run / "plots").glob(f"*.{ending}"))
        assert {path.stem for path in paths} == PICTURES
        assert all(path.read_bytes().startswith(magic) for path in paths)
    assert not list(finished_run.rglob("*.part"))


def test_the_table_shows_the_numbers_of_the_metrics_file(finished_run, page):
    metrics = read_metrics(finished_run / "metrics.json")
    for entry in metrics.scores.values():
        result = entry.signals["aachen"]
        assert str(result.summary()["auc"]) in page.words
        assert str(result.matched.summary()["auc"]) in page.words
        sculpting = entry.sculpting["pt"]["0.1"]
        assert f"{sculpting.largest_deviation} " in page.words
        assert str(sculpting.divergence) in page.words
    marks = sum(a.get("class") == "baseline" for a in page.all("span"))
    assert marks == 2 * sum(entry.baseline for entry in metrics.scores.values()) > 0


def test_the_jets_that_are_drawn_have_the_largest_scores(page, finished_run):
    table = read_table(finished_run / "scores.parquet").sort_by([("discriminant", "descending")])
    jets = {name: read_jets(finished_run / "samples" / f"{name}.parquet") for name in TITLES}
    captions = [i["alt"] for i in page.all("img") if "constituents" in i["alt"]][:3]
    for caption, row in zip(captions, table.to_pylist(), strict=False):
        sample = jets[row["sample"]]
        (i,) = np.flatnonzero((sample.event == row["event"]) & (sample.rank == row["rank"]))
        assert f"{TITLES[row['sample']]}, event {row['event']}, jet {row['rank']}" in caption
        assert f"pT {sample.pt[i]:.1f} GeV" in caption
        assert f"constituents {sample.n_constituents[i]}" in caption


def numbers(*pairs):
    return [FigureOfMerit(value, error) for value, error in pairs]


@pytest.mark.parametrize(
    ("column", "best"),
    [
        (numbers((0.8, 0.01), (0.75, 0.01), (0.9, 0.02)), 2),
        (numbers((50.0, 6.0), (58.0, 6.0), (20.0, 1.0)), None),  # within the errors of both
        (numbers((50.0, 6.0), (58.0, 4.0)), 1),
        (numbers((50.0, 6.0), (None, None)), None),  # which may be any number
        (numbers((50.0, 6.0)), None),
    ],
)
def test_bold_is_only_what_leads_by_more_than_the_errors(column, best):
    assert clearly_best(column) is (None if best is None else column[best])


@pytest.mark.parametrize("simulated", [True, False])
def test_energy_selection_and_what_was_trained_are_told(undrawn, finished_run, tmp_path, simulated):
    run, cuts = _copy(finished_run, tmp_path), {"pt_min": 150.0, "pt_max": 300.0, "radius": 0.8}
    encoder = {
        "training": {"seed": 7, "device": "auto"},
        "trained_with": {"torch": "2.13.0+cpu", "device": "CPU"},
        "domain": cuts,
        "digests": {"model.safetensors": "1760777b"},
    }
    path = run / "encoder" / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | encoder))
    if simulated:
        for name, eta in (("qcd", 2.0), ("aachen", 2.5)):
            path = run / "samples" / f"{name}.parquet"
            made = {
                "selection": cuts | {"abs_eta_max": eta},
                "pythia_settings": ["HardQCD:all = on", "Beams:eCM = 13600"],
                "versions": {"pythia8mc": "8.317.2"},
                "seed": 41,
            }
            write_jets(replace(read_jets(path), provenance=made), path)
    page = Page(report(run))
    where = "anti-kT R = 0.8, 150–300 GeV"  # they share no cut in eta
    where = f"13.6 TeV, {where}" if simulated else where
    words = " ".join(page.words)
    assert f'"selection":{json.dumps(where)}' in words
    assert {where, "2.13.0+cpu", "CPU", "1760777b"} <= set(page.words)
    assert "training 7" in words
    assert ("pythia8mc 8.317.2" in words) == ("sample Aachen 41" in words) == simulated


def test_text_of_files_is_escaped(page):
    assert "# <b>escaped</b> & kept" in "".join(page.words)
    assert not page.all("b")


def test_times_are_added_up(page):
    assert {"6 min 52 s", "6 min 11 s", "14 min 43 s", "4.2 s"} <= set(page.words)


def test_the_same_run_gives_the_same_page_and_leaves_matplotlib_alone(
    finished_run, page, monkeypatch
):
    monkeypatch.setattr("darkclr.report.figures.style.pdf", lambda figure: b"")  # not on the page
    before = dict(mpl.rcParams)
    assert report(finished_run).read_text(encoding="utf-8") == page.text
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("path", "lost", "notes"),
    [
        ("metrics.json", {"roc_aachen", "significance_aachen", "sculpting_pt"}, 5),
        ("scores.parquet", {n for n in PICTURES if n.startswith(("score_", "jet_"))}, 2),
        ("samples", {"augmentations", *JETS}, 2),
        ("representations", set(), 1),  # the scores know the number of constituents too
        ("encoder", {"training", "similarity", "norm", *JETS}, 3),
        ("scores", {"energies_autoencoder", "energies_nae"}, 1),
        ("timings.json", set(), 1),
        ("config.yaml", set(), 1),
    ],
)
def test_what_is_missing_costs_its_own_pictures_only(
    undrawn, finished_run, tmp_path, path, lost, notes
):
    run = _copy(finished_run, tmp_path)
    target = run / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    page = Page(report(run))
    assert {p.stem for p in (run / "plots").glob("*.png")} == PICTURES - lost
    assert page.notes == notes


@pytest.mark.parametrize(
    "path",
    [
        "metrics.json",
        "scores.parquet",
        "samples/qcd.parquet",
        "representations/qcd.parquet",
        "encoder/history.csv",
        "encoder/pairs.parquet",
        "scores/nae/history.csv",
        "timings.json",
    ],
)
def test_a_broken_file_is_named(undrawn, finished_run, tmp_path, path):
    run = _copy(finished_run, tmp_path)
    (run / path).write_bytes(b"broken")
    page = Page(report(run))
    assert page.notes >= 1
    assert Path(path).name in page.text


def test_a_directory_without_anything_of_a_run_gets_no_page(tmp_path):
    with pytest.raises(InputError, match="holds nothing that a run writes"):
        report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        report(tmp_path / "none")


def test_scores_without_a_finite_rejection_have_a_bound(undrawn, finished_run, tmp_path):
    run = _copy(finished_run, tmp_path)
    metrics = json.loads((run / "metrics.json").read_text())
    entry = metrics["scores"]["nae"]["signals"]["aachen"]
    entry["background_rejection"]["0.1"] = {"value": None, "error": None, "lower_bound": 100.0}
    entry["roc"]["background_efficiency"][:10] = [0.0] * 10
    entry["roc"]["high"][:10] = [None] * 10
    (run / "metrics.json").write_text(json.dumps(metrics))
    assert "> 100" in Page(report(run)).words


def test_metrics_are_read_once(undrawn, finished_run, tmp_path, monkeypatch):
    calls = []
    read = run_files.read_metrics
    monkeypatch.setattr(run_files, "read_metrics", lambda path: calls.append(path) or read(path))
    report(_copy(finished_run, tmp_path))
    assert len(calls) == 1


def test_divergence_is_told(undrawn, finished_run, tmp_path):
    run = _copy(finished_run, tmp_path)
    assert "diverged" not in report(run).read_text(encoding="utf-8")
    path = run / "scores" / "nae" / "history.csv"
    lines = path.read_text().splitlines()
    (last,) = lines[-1:]
    assert "normalisation" in last
    path.write_text("\n".join([*lines, *2 * [last.replace("normalisation", "diverged")]]) + "\n")
    assert "diverged 2 times" in report(run).read_text(encoding="utf-8")


def _copy(run: Path, folder: Path) -> Path:
    ignored = shutil.ignore_patterns("plots", "report.html")
    return Path(shutil.copytree(run, folder / "demo", ignore=ignored))


def test_each_family_of_anomalous_copies_has_its_picture():
    families = {"few": [ConstituentDrop(0.8)], "soft": [PtReweighting(0.5)]}
    columns = shown_augmentations(Augmentations(anomalous=families))
    jets = recentre(toy_jets(50, seed=1).constituents)
    views = {
        name: apply(jets, jets, np.random.default_rng(0))
        for name, apply in columns.items()
        if name.startswith("view of")
    }
    assert list(views) == ["view of family few", "view of family soft"]
    assert views["view of family few"].lengths.sum() < 0.4 * jets.lengths.sum()
    np.testing.assert_array_equal(views["view of family soft"].lengths, jets.lengths)
