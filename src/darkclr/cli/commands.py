"""All commands by name, in the order of the way from collisions to pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from darkclr.cli.files import convert, download, info
from darkclr.cli.fitting import fit, scores
from darkclr.cli.generating import generate
from darkclr.cli.probe import probe
from darkclr.cli.steps import encode, evaluate, report, score, train
from darkclr.cli.studies import ensemble, run

__all__ = ["COMMANDS", "GOES_ON"]

COMMANDS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        generate,
        train,
        encode,
        fit,
        scores,
        score,
        evaluate,
        report,
        probe,
        info,
        convert,
        download,
        run,
        ensemble,
    )
}

#: Commands that keep what is done when they are stopped; the others start anew.
GOES_ON = frozenset({"generate", "train", "fit", "download", "run", "ensemble"})
