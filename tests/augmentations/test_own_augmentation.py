"""An augmentation of a user, as docs/extending.md shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from toy import toy_jets

from darkclr.cli.main import main
from darkclr.io import write_jets

pytest.importorskip("lightning")

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
TINY = {
    "encoder": {"embedding_dim": 8, "feedforward_dim": 8, "output_dim": 4, "n_layers": 1},
    "training": {"epochs": 1, "batch_size": 20, "device": "cpu"},
}


def test_it_trains_by_its_import_path(tmp_path, monkeypatch):
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
    (code,) = [text for kind, text in blocks if "# my_augmentations.py" in text]
    (config,) = [text for kind, text in blocks if kind == "yaml" and "my_augmentations" in text]
    assert code.count("\n") <= 30
    (tmp_path / "my_augmentations.py").write_text(code)
    (tmp_path / "config.yaml").write_text(config + yaml.safe_dump(TINY))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    write_jets(toy_jets(100, seed=1, mean=10), "jets.parquet")
    assert main(["train", "jets.parquet", "model", "--config", "config.yaml"]) == 0
    recorded = yaml.safe_load(Path("model/encoder/config.yaml").read_text())["augmentations"]
    assert recorded["physical"][-1] == {
        "class_path": "my_augmentations.MySmearing",
        "init_args": {"scale": 0.1},
    }
