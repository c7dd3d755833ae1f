"""A score in a file of a user: as docs/extending.md has it, and never for a stranger."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from toy import toy_jets

from darkclr.anomaly import FittedScore, define_score, fit_score
from darkclr.anomaly.catalogue import all_scores, find_score
from darkclr.anomaly.scoring import load_scores
from darkclr.errors import ConfigError, InputError

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
NAME = "my_scores.RobustMahalanobis"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A folder on the path with the file of the page, a package with an entry point, and a trap."""
    (code,) = re.findall(r"```python\n(# my_scores\.py\n.*?)```", PAGE, re.DOTALL)
    assert len(code.strip().splitlines()) <= 30
    (tmp_path / "my_scores.py").write_text(code)
    (tmp_path / "trap.py").write_text(
        "from pathlib import Path\nfrom my_scores import RobustMahalanobis as Score\n"
        f"Path({str(tmp_path / 'sprung')!r}).touch()\n"
    )
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[darkclr.scores]\nrobust = my_scores:RobustMahalanobis")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for module in ("my_scores", "trap"):
        sys.modules.pop(module, None)


def test_the_score_of_the_page_is_a_score(background, tmp_path):
    """Under each of its names; its distance grows away from the bulk, and survives the disk."""
    pytest.importorskip("fastjet")
    (text,) = re.findall(r"```yaml\n(scores:\n.*?)```", PAGE, re.DOTALL)
    scores = yaml.safe_load(text)["scores"]
    sources = {"representations": background, "jets": toy_jets(100, shortest=4)}
    for name, options in scores.items():
        source = sources[define_score(name, options).part]
        fitted = fit_score(name, options, source, seed=0)
        fitted.save(tmp_path / "scores" / name)
        (loaded,) = load_scores(tmp_path / "scores", [name], plugins=[NAME])
        np.testing.assert_array_equal(loaded.score(source), fitted.score(source))
    assert len(load_scores(tmp_path / "scores", plugins=[NAME])) == len(scores)
    rows = background.pooled[~background.dropped]
    detector = fit_score(NAME, {"reads": "pooled"}, background, seed=0).detector
    center = rows.mean(axis=0)
    near, far = (detector.score_samples(center + k * (rows[:5] - center)) for k in (1, 10))
    assert (far > 10 * near).all()


def test_parameters_of_a_users_class_are_explained_and_checked():
    (share,) = find_score(NAME).parameters
    assert (share.name, share.wanted) == ("support_fraction", "more than 0 and at most 1, or null")
    assert share.summary
    with pytest.raises(ConfigError, match=f"score {NAME}: .*support_fraction = 2"):
        fit_score(NAME, {"support_fraction": 2.0}, None, seed=0)


def test_an_installed_package_adds_a_name(background, tmp_path):
    assert "robust" in [score.name for score in all_scores()]
    fit_score("robust", {}, background, seed=0).save(tmp_path / "robust")
    # Whoever has installed it trusts it.
    assert FittedScore.load(tmp_path / "robust").detector.n_features_in_ == background.z.shape[1]


@pytest.mark.parametrize("plugins", [(), [NAME], ["trap"], ["trap.Scor"]])
def test_a_directory_does_not_make_its_reader_import_anything(plugins, background, tmp_path):
    fit_score(NAME, {}, background, seed=0).save(tmp_path / "theirs")
    config = tmp_path / "theirs" / "config.yaml"
    config.write_text(config.read_text().replace(NAME, "trap.Score"))
    with pytest.raises(InputError, match=r"no known score: 'trap.Score'; .*plugins"):
        FittedScore.load(tmp_path / "theirs", plugins=plugins)
    with pytest.raises(InputError, match=r"no known score: 'trap.Score'"):
        load_scores(tmp_path, plugins=plugins)
    assert "trap" not in sys.modules
    assert not (tmp_path / "sprung").exists()
    FittedScore.load(tmp_path / "theirs", plugins=["trap.Score"])
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my_scores.np", "my_scores.np is no score; name a class that derives"),
        ("my_scores.Detektor", "cannot be imported"),
        ("their_scores.Score", "No module named 'their_scores'.*PYTHONPATH"),
        ("os.system", "os.system is no score"),
    ],
)
def test_what_is_no_score_is_told_in_one_line(name, told):
    with pytest.raises(ConfigError, match=told):
        find_score(name)
