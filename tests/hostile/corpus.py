"""Small valid inputs of every kind, damaged, and the commands that read them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from damage import Rng, damage_bytes, damage_columns, damage_folder, damage_text
from docstring_parser.attrdoc import AttributeDocstrings
from events import write_hepmc, write_lhe
from foreign import write_columns
from models import write_model
from same_jets import COLUMNS
from toy import toy_jets

from darkclr.cli.main import main
from darkclr.io import write_jets

__all__ = ["KINDS", "Fell", "Seeds", "play"]

#: Seconds of the processor, or of waiting without any, after which a command hangs.
BUSY, WAITING = 10.0, 20.0
IDLE = 0.1
Arguments = list[Any]


class Fell(AssertionError):
    """A command that did what no command may do."""


class _Hang(BaseException):
    pass


class Seeds:
    """The undamaged inputs, in a folder.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, label in (("qcd", 0), ("signal", 1)):
            jets = toy_jets(20, seed=label, mean=8, label=label)
            jets = replace(jets, event=jets.event + 100 * label)
            write_jets(jets, folder / "run" / "samples" / f"{name}.parquet")
        self.jets = folder / "run" / "samples" / "qcd.parquet"
        scores = {"norm": {}, "discriminant": {}, "knn": {"n_neighbors": 2}}
        model = write_model(folder / "model", scores)
        write_hepmc(folder / "events.hepmc", [_event(i) for i in range(2)])
        settings = ["HardQCD:all = on", "PhaseSpace:pTHatMin = 200", "Beams:eCM = 13000"]
        write_lhe(folder / "events.lhe", settings, 2)
        cards = resources.files("darkclr.simulation.detector").joinpath("cards")
        (folder / "card.yaml").write_bytes(cards.joinpath("atlas.yaml").read_bytes())
        (folder / "config.yaml").write_text(yaml.safe_dump(_config(), sort_keys=False))
        run = folder / "run"
        samples = [run / "samples" / f"{name}.parquet" for name in ("qcd", "signal")]
        self._run("encode", self.jets, model, run / "representations" / "qcd.parquet")
        self._run("score", *samples, model, run / "scores.parquet")
        self._run("evaluate", run / "scores.parquet", run / "metrics.json", *_FEW)
        # What is read for the first time now, processes that are forked need not read again.
        self._run("run", "--config", folder / "config.yaml", "--dry_run", "true")
        (run / "timings.json").write_text('{"train": 12.5, "fit": 3}')
        (run / "config.yaml").write_bytes((folder / "config.yaml").read_bytes())
        (run / "encoder").mkdir()
        (run / "encoder" / "history.csv").write_text(
            "epoch,step,loss,alignment,anomaly_similarity,norm\n0,1,0.5,0.9,0.1,2\n1,2,0.4,,0,1\n"
        )

    def _run(self, *arguments: Any) -> None:
        code, _, errors = _run(list(arguments))
        assert code == 0, errors

    @functools.cached_property
    def server(self) -> _Server:
        """A server in this process."""
        return _Server()

    @functools.cache  # noqa: B019
    def table(self, layout: str, suffix: str) -> bytes:
        """A file of jets."""
        return _written(self.folder / f"{layout}{suffix}", COLUMNS[layout]())


_FEW = ("--evaluation.n_bootstrap", "20")


def _written(path: Path, columns: dict[str, Any]) -> bytes:
    write_columns(path, columns)
    return path.read_bytes()


def _event(number: int) -> Any:
    """Two jets of pions back to back, in HepMC."""
    import pyhepmc

    event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    event.event_number = number
    rng, vertex = np.random.default_rng(number), pyhepmc.GenVertex(pyhepmc.FourVector(0, 0, 0, 0))
    for side in (1, -1):
        beam = pyhepmc.GenParticle(pyhepmc.FourVector(0, 0, side * 6500, 6500), 2212, 4)
        vertex.add_particle_in(beam)
    for phi in np.concatenate([rng.normal(0.5, 0.1, 8), rng.normal(0.5 - np.pi, 0.1, 8)]):
        pt, eta = 25 + rng.exponential(5), rng.normal(0.3, 0.1)
        momentum = pt * np.array([np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)])
        code = int(rng.choice([211, -211, 22, 130]))
        vertex.add_particle_out(pyhepmc.GenParticle(pyhepmc.FourVector(*momentum), code, 1))
    event.add_vertex(vertex)
    return event


def _config() -> dict[str, Any]:
    return {
        "samples": {
            "qcd": {"process": "qcd", "n_jets": 60, "mpi": False},
            "aachen": {"process": "aachen"},
        },
        "split": {"train": 0.5, "validation": 0.2, "test": 0.3},
        "encoder": {"embedding_dim": 8, "n_heads": 2, "n_layers": 1, "dropout": 0.0},
        "augmentations": {
            "physical": [{"class_path": "darkclr.augmentations.Rotation"}],
            "anomalous": [
                {
                    "class_path": "darkclr.augmentations.ConstituentDrop",
                    "init_args": {"probability": 0.5},
                }
            ],
        },
        "loss": {"name": "anomclr", "temperature": 0.1},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.001, "betas": [0.9, 0.99]},
        "scores": {"norm": {}, "knn": {"n_neighbors": 3}},
        "evaluation": {"signal_efficiencies": [0.3, 0.5], "n_bootstrap": 20},
    }


class _Server:
    """A small Zenodo that answers what the case says."""

    def __init__(self) -> None:
        state = self
        self.record, self.content = b"", b""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = state.record if "/api/" in self.path else state.content
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        os.environ["NO_PROXY"] = "*"
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()


# Each puts a damaged input into a folder and says which command reads it.


def _table(suffix: str, layouts: tuple[str, ...]) -> Callable[..., Arguments]:
    def make(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
        layout = layouts[rng.integers(len(layouts))]
        path = folder / f"jets{suffix}"
        data = seeds.table(layout, suffix)
        if rng.random() < 0.5:
            try:
                write_columns(path, damage_columns(COLUMNS[layout](), rng))
            except Exception:  # what the library itself cannot write
                path.write_bytes(damage_bytes(data, rng))
        else:
            path.write_bytes(damage_bytes(data, rng))
        return ["info", path] if rng.random() < 0.3 else ["convert", path, out / "o.parquet"]

    return make


def _model(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
    shutil.copytree(seeds.folder / "model", folder / "model")
    command, part = (("score", "scores"), ("encode", "encoder"))[rng.integers(2)]
    damage_folder(folder / "model" / part, rng)
    source = seeds.folder / "run" / "representations" / "qcd.parquet"
    jets = seeds.jets if command == "encode" or rng.random() < 0.5 else source
    return [command, jets, folder / "model", out / "o.parquet"]


def _configuration(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
    path = folder / "config.yaml"
    path.write_bytes(damage_text((seeds.folder / "config.yaml").read_bytes(), rng))
    if rng.random() < 0.3:
        return ["run", "--config", path, "--dry_run", "true", "--output", out / "run"]
    if rng.random() < 0.4:
        scores = seeds.folder / "run" / "scores.parquet"
        return ["evaluate", scores, out / "o.json", "--config", path]
    return ["generate", out / "o.parquet", "--config", path, "--dry_run", "true"]


def _events(name: str) -> Callable[..., Arguments]:
    def make(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
        path = folder / name
        path.write_bytes(damage_text((seeds.folder / name).read_bytes(), rng))
        whole = name == "events.hepmc" or rng.random() < 0.05  # Pythia's start takes a second
        return _generated(out, path, "atlas", *(() if whole else ("--dry_run", "true")))

    return make


def _generated(out: Path, events: Path, card: Any, *more: str) -> Arguments:
    own = ["--process", "events", "--events", events, "--card", card, "--workers", "1"]
    return ["generate", out / "o.parquet", *own, "--mpi", "false", *more]


def _card(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
    path = folder / "card.yaml"
    path.write_bytes(damage_text((seeds.folder / "card.yaml").read_bytes(), rng))
    return _generated(out, seeds.folder / "events.hepmc", path)


def _run_directory(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
    shutil.copytree(seeds.folder / "run", out / "run")
    damage_folder(out / "run", rng)
    if rng.random() < 0.03:  # pictures take seconds
        return ["report", out / "run"]
    path = out / "run" / "scores.parquet"
    if path.is_file():
        path.write_bytes(damage_bytes(path.read_bytes(), rng))
    return ["evaluate", path, out / "o.json", *_FEW]


def _record(seeds: Seeds, folder: Path, out: Path, rng: Rng) -> Arguments:
    content = rng.bytes(2000)
    checksum = "md5:" + hashlib.md5(content).hexdigest()
    links = {"self": f"{seeds.server.address}/records/1/files/jets.h5"}
    files = [{"key": "jets.h5", "size": len(content), "checksum": checksum, "links": links}]
    record = json.dumps({"files": files}).encode()
    damaged = rng.random() < 0.8
    seeds.server.record = damage_text(record, rng) if damaged else record
    seeds.server.content = content if damaged else damage_bytes(content, rng)
    return ["download", "12801842", out / "d", "--base_url", seeds.server.address]


_ROWS = ("darkclr", "jetclass", "delphes", "pfnano")
KINDS: dict[str, Callable[..., Arguments]] = {
    "Parquet": _table(".parquet", (*_ROWS, "top_tagging")),
    "HDF5": _table(".h5", ("top_tagging", "aspen_open_jets", "jetnet", "jetclass")),
    "ROOT": _table(".root", _ROWS),
    "model directories": _model,
    "configurations": _configuration,
    "Les Houches": _events("events.lhe"),
    "HepMC": _events("events.hepmc"),
    "detector cards": _card,
    "run directories": _run_directory,
    "records to download": _record,
}


def play(kind: str, number: int, seeds: Seeds, folder: Path) -> str:
    """One case: "read" or "refused".

    Args:
        kind: one of :data:`KINDS`.
        number: of the case, which is the same every time.
        seeds: the undamaged inputs.
        folder: a folder for this case, which is removed.

    Raises:
        Fell: the command did what no command may do.
    """
    rng = np.random.default_rng([number, *kind.encode()])
    place = folder / "a" / "b" / "c"
    out = place / "out"
    for path in (place / "in", out):
        path.mkdir(parents=True)
    try:
        arguments = KINDS[kind](seeds, place / "in", out, rng)
        before = _listing(folder, out)
        with contextlib.chdir(place):
            code, printed, errors = _run(arguments)
        if _listing(folder, out) != before or list(folder.parent.glob("*pwned*")):
            raise Fell("it writes outside of the output")
        _check_text(code, printed, errors)
        if code == 0:
            _check_output(arguments, out)
        return "refused" if code else "read"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listing(folder: Path, out: Path) -> list[tuple[str, int]]:
    return sorted(
        (str(path), path.lstat().st_mtime_ns if not path.is_dir() else 0)
        for path in folder.rglob("*")
        if not path.is_relative_to(out)
    )


def _run(arguments: Arguments) -> tuple[int, str, str]:
    """Exit code, standard output and error of a command, which has ten seconds."""

    seen = time.process_time()

    def busy(*_: object) -> None:
        raise _Hang

    def look(*_: object) -> None:
        nonlocal seen
        earlier, seen = seen, time.process_time()
        if seen - earlier < IDLE:  # and not slow because others are busy
            raise _Hang

    timers = ((signal.ITIMER_PROF, BUSY), (signal.ITIMER_REAL, WAITING))
    signal.signal(signal.SIGPROF, busy)
    signal.signal(signal.SIGALRM, look)
    for timer, seconds in timers:
        signal.setitimer(timer, seconds, seconds)
    out, errors = io.StringIO(), io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            code = main(list(map(str, arguments)))
    except _Hang:
        raise Fell("it hangs") from None
    finally:
        for timer, _ in timers:
            signal.setitimer(timer, 0)
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
    return code, out.getvalue(), errors.getvalue()


@functools.cache
def _attribute_docs(component: Any) -> Any:
    return _of_class(AttributeDocstrings(), component)


_of_class = AttributeDocstrings.get_attr_docs
# The source of a class is parsed once and not in every command: half of the time of a case.
AttributeDocstrings.get_attr_docs = lambda self, component: _attribute_docs(component)


def _check_text(code: int, printed: str, errors: str) -> None:
    """One line of refusal, nothing else but warnings, and nothing that steers a terminal."""
    told = [line for line in errors.splitlines() if line.startswith("darkclr: ")]
    if code not in (0, 2):
        raise Fell(f"exit code {code}: {errors[-300:]}")
    if "Traceback" in errors or (code == 2 and len(told) != 1):
        raise Fell(f"no single line: {errors[-300:]!r}")
    if any(not c.isprintable() and c not in "\n\t" for c in printed + errors):
        raise Fell(f"control characters on the terminal: {(printed + errors)[-300:]!r}")


def _check_output(arguments: Arguments, out: Path) -> None:
    """Numbers that may be: jets that are physical, scores that are finite."""
    for path in out.glob("o.*"):
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=_not_finite)
            continue
        table = pq.read_table(path)
        for name in table.column_names:
            column = table[name]
            if name.startswith("truth_"):  # what the file says
                continue
            if pa.types.is_nested(column.type):
                column = pc.list_flatten(column)
            if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py():
                raise Fell(f"{name} is not finite")
        if arguments[0] in ("convert", "generate"):
            _check_jets(table)


def _not_finite(name: str) -> None:
    raise Fell(f"{name} in the figures of merit")


def _check_jets(table: pa.Table) -> None:
    lengths = pc.list_value_length(table["constituent_pt"]).to_numpy()
    pt = pc.list_flatten(table["constituent_pt"]).to_numpy()
    eta = pc.list_flatten(table["constituent_eta"]).to_numpy()
    phi = pc.list_flatten(table["constituent_phi"]).to_numpy()
    same = np.repeat(np.arange(len(lengths)), lengths)
    good = {
        "jets without constituents": (lengths > 0).all(),
        "impossible momenta": ((pt > 0) & (pt <= 7000)).all()
        and (table["pt"].to_numpy() > 0).all(),
        "impossible angles": (np.abs(eta) <= 10).all() and (np.abs(phi) < 3.1416).all(),
        "constituents out of order": (np.diff(pt)[np.diff(same) == 0] <= 0).all(),
        "other labels": np.isin(table["label"].to_numpy(), (-1, 0, 1)).all(),
        "ranks": (table["rank"].to_numpy() >= 0).all(),
    }
    if wrong := [name for name, is_good in good.items() if not is_good]:
        raise Fell(f"{', '.join(wrong)} in the output")
