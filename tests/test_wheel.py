"""The wheel alone, without an extra, scores jets with a trained model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow.parquet as pq
import pytest
from models import write_model
from toy import toy_jets

from darkclr.io import write_jets

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
EXTRAS = (
    *("lightning", "pytorch_lightning", "torchmetrics", "matplotlib", "pythia8mc", "pyhepmc"),
    *("fastjet", "awkward", "zuko", "skops", "pyod", "h5py", "hdf5plugin", "uproot", "pooch"),
    *("onnx", "onnxruntime", "pandas", "tables", "snakemake"),
)
# Imported by every interpreter of the new environment.
BLOCK = f"""
import sys
class Blocked:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS}:
            raise ModuleNotFoundError(f"no extra here: {{name}}", name=name)
sys.meta_path.insert(0, Blocked)
"""


def sources(folder: Path) -> Path:
    """What the Dockerfile copies, where it copies it to: all that a wheel is built from."""
    folder.mkdir()
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    for *names, target in (line.split()[1:] for line in lines if line.startswith("COPY ")):
        for name in names:
            into = folder / target / (Path(name).name if target[-1] == "/" else "")
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, into)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """``run(program, *arguments)`` in an environment with the wheel and what the core needs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=sources(folder / "sources"), check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    install = [binaries / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # The packages of this environment spare a download; its own darkclr comes after the wheel's.
    (packages / "core.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (packages / "sitecustomize.py").write_text(BLOCK)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(program: str, *arguments: object, folder: Path = folder) -> CompletedProcess[str]:
        command = [str(binaries / program), *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    return run


def test_the_wheel_is_what_is_imported(run):
    done = run("python", "-c", "import darkclr; print(darkclr.__file__)")
    assert "/venv/lib/" in done.stdout
    done = run("python", "-c", "import matplotlib")
    assert "no extra here: matplotlib" in done.stderr


def test_jets_are_scored(run, tmp_path):
    model = write_model(tmp_path / "model", {"norm": {}, "discriminant": {}, "knn": {}})
    write_jets(toy_jets(50, seed=3), tmp_path / "jets.parquet")
    done = run("darkclr", "score", tmp_path / "jets.parquet", model, tmp_path / "scores.parquet")
    assert done.returncode == 0, done.stderr
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.num_rows == 50
    assert {"norm", "discriminant", "knn"} <= set(table.column_names)


def test_the_published_numbers_are_there(run):
    code = "from darkclr.evaluation.published import published; print(*published())"
    assert {"table2", "table3"} <= set(run("python", "-c", code).stdout.split())


def test_the_presets_are_there(run):
    code = "from darkclr.studies.presets import presets; print(*presets())"
    shipped = run("python", "-c", code).stdout.split()
    configs = ROOT / "configs"
    here = [p.relative_to(configs).with_suffix("").as_posix() for p in configs.rglob("*.yaml")]
    assert sorted(shipped) == sorted(here)
    done = run("darkclr", "run", "--config", "nosuch")
    assert done.returncode == 2
    assert "quick" in done.stderr


def test_a_preset_is_accepted(run):
    done = run("darkclr", "run", "--config", "quick", "--dry_run")
    assert done.returncode == 2
    assert "pip install 'darkclr[" in done.stderr


def test_types_are_announced(run):
    code = "from importlib.resources import files; print(files('darkclr') / 'py.typed')"
    assert Path(run("python", "-c", code).stdout.strip()).exists()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "jets.parquet", "out"), "training"),
        (("generate", "qcd.parquet", "--process", "qcd", "--n_jets", 10), "simulation"),
        (("report", "runs"), "report"),
        (("info", "jets.h5"), "files"),
    ],
)
def test_what_needs_an_extra_names_it(run, tmp_path, arguments, extra):
    write_jets(toy_jets(300, seed=3), tmp_path / "jets.parquet")
    (tmp_path / "jets.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    done = run("darkclr", *arguments, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"pip install 'darkclr[{extra}]'" in done.stderr
