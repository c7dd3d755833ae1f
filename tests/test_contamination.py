"""Signal never gets into a training by accident, and on purpose only as much as was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import TINY
from toy import toy_jets

from darkclr.anomaly.fitting import fit_scores
from darkclr.augmentations import Augmentations
from darkclr.contamination import SignalFilter, contaminated
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.files import train_file
from darkclr.errors import ConfigError, InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN, Jets
from darkclr.reporter import Silent
from darkclr.representations import Representations
from darkclr.split import Split

SPLIT = Split(0.5, 0.2, 0.3)


class Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def mixed() -> Jets:
    """200 background, 100 unlabelled and 100 signal jets, in turns, each an event."""
    label = np.tile([BACKGROUND, UNKNOWN, BACKGROUND, SIGNAL], 100).astype(np.int8)
    return replace(toy_jets(400, seed=5, mean=12, longest=20, jets_per_event=1), label=label)


@pytest.mark.parametrize("source", ["file", "memory"])
def test_a_training_takes_background_and_unlabelled_jets_alone(mixed, tmp_path, source):
    """The encoder of a mixed file is that of the file without signal, to the last bit."""
    pytest.importorskip("lightning")
    from short_training import RESULTS, SHORT

    files = {}
    for name, jets in (("mixed", mixed), ("clean", mixed[mixed.label != SIGNAL])):
        given = jets
        if source == "file":
            given = tmp_path / f"{name}.parquet"
            write_jets(jets, given)
        heard, output = Heard(), tmp_path / name
        train_file(given, output, split=SPLIT, encoder=TINY, training=SHORT, reporter=heard)
        files[name] = {file: (output / file).read_bytes() for file in RESULTS}
        n = np.sum(mixed.part("train", SPLIT).label == SIGNAL)
        told = f"{n} signal jets (label 1) are left out of the training part"
        assert (told in heard.lines) == (name == "mixed")
    assert files["mixed"] == files["clean"]


def test_fits_take_background_and_unlabelled_jets_alone(mixed, tmp_path):
    encoder = Encoder(TINY).eval()
    scores = {"gaussian_mixture": {"n_mixture": 1, "n_components": 2}, "discriminant": {}}
    dropped = encode(encoder, mixed, dropped=Augmentations())
    both = Representations.concatenate([encode(encoder, mixed), dropped])
    written = {}
    for name, rows in (("mixed", both), ("clean", both[both.label != SIGNAL])):
        heard = Heard()
        fit_scores(scores, rows, tmp_path / name, split=SPLIT, reporter=heard)
        n = np.sum(mixed.part("train", SPLIT).label == SIGNAL)  # without their copies
        told = f"{n} signal jets (label 1) are left out of the training part"
        assert (told in heard.lines) == (name == "mixed")
        paths = sorted((tmp_path / name).glob("*/*.safetensors"))
        written[name] = [path.read_bytes() for path in paths]
    assert len(written["mixed"]) == 2
    assert written["mixed"] == written["clean"]


def test_a_share_of_signal_is_what_was_asked_for(mixed):
    few = SignalFilter(0.1, [mixed])
    kept = few(mixed)
    assert np.sum(kept.label != SIGNAL) == 300
    # 300 / 9 = 33 of 100 are wanted, each kept by its own hash.
    assert abs(np.sum(kept.label == SIGNAL) - 33) <= 3 * np.sqrt(100 / 3 * 2 / 3)
    assert few.left_out == 100 - np.sum(kept.label == SIGNAL)
    # Encoder and scores see the same ones, whatever the batches.
    encoder = Encoder(TINY).eval()
    dropped = encode(encoder, mixed, dropped=Augmentations())
    rows = Representations.concatenate([encode(encoder, mixed), dropped])
    again = SignalFilter(0.1, [rows])
    halves = [again(rows[:250]), again(rows[250:])]
    events = np.concatenate([half.event[~half.dropped] for half in halves])
    assert sorted(events) == sorted(kept.event)


@pytest.mark.parametrize(
    ("share", "message"),
    [(0.5, "there are 100 of it and 300 others"), (1.0, "1; give a share"), (np.nan, "nan")],
)
def test_shares_that_cannot_be_are_refused(mixed, share, message):
    with pytest.raises(ConfigError, match=message):
        SignalFilter(share, [mixed])


def test_signal_alone_trains_nothing(mixed, tmp_path):
    signal = mixed[mixed.label == SIGNAL]
    with pytest.raises(InputError, match=r"all \d+ jets have the label 1, signal; train on"):
        train_file(signal, tmp_path / "encoder", split=SPLIT, encoder=TINY)
    rows = encode(Encoder(TINY).eval(), signal)
    with pytest.raises(InputError, match=r"all \d+ jets have the label 1, signal"):
        fit_scores({"norm": {}}, rows, tmp_path / "scores", split=SPLIT)
    assert not list(tmp_path.iterdir())


def test_signal_takes_the_places_of_training_jets_and_nothing_says_so(mixed):
    background, signal = mixed[mixed.label != SIGNAL], mixed[mixed.label == SIGNAL]
    parton = np.arange(len(background))
    background = replace(background, truth={"parton_pdg": parton}, provenance={"n_jets": 300})
    after = contaminated(background, signal, 0.1, SPLIT)
    for name in ("event", "rank", "label", "weight"):
        np.testing.assert_array_equal(getattr(after, name), getattr(background, name))
    np.testing.assert_array_equal(after.truth["parton_pdg"], parton)
    assert after.provenance == {"n_jets": 300, "contamination": 0.1}
    changed = after.pt != background.pt
    training = SPLIT.part(background.event, "train")
    assert training[changed].all()
    assert changed.sum() == round(0.1 * training.sum())
    for i in np.flatnonzero(changed):  # whole jets, each of them once
        (j,) = np.flatnonzero(signal.pt == after.pt[i])
        np.testing.assert_array_equal(after[[i]].constituents.pt, signal[[j]].constituents.pt)
    assert len(set(after.pt[changed])) == changed.sum()
    assert not np.array_equal(np.flatnonzero(changed), np.flatnonzero(training)[: changed.sum()])
    with pytest.raises(ConfigError, match="there are 10; give a smaller share"):
        contaminated(background, signal[:10], 0.1, SPLIT)


@pytest.mark.parametrize("label", [BACKGROUND, SIGNAL, UNKNOWN])
def test_jets_of_one_label_are_selected_at_reading(mixed, tmp_path, label):
    write_jets(mixed, tmp_path / "mixed.parquet")
    jets = read_jets(tmp_path / "mixed.parquet", options=ReadOptions(select_label=label))
    assert jets.event.tolist() == mixed.event[mixed.label == label].tolist()
