"""What is in a Les Houches file, read with pylhe.

Source: J. Alwall et al., Comput. Phys. Commun. 176 (2007) 300, https://arxiv.org/abs/hep-ph/0609017.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from darkclr.errors import InputError, MissingExtraError
from darkclr.simulation.events.event_files import EventRange

__all__ = ["checked", "merging_of", "parsed", "weights_of"]

# Of MadGraph's run card: matching by MLM or FxFx, or the scale of a merging by CKKW-L.
_MERGING = re.compile(
    rb"^\s*([1-9]\d*)\s*=\s*(ickkw)\b|^\s*([\d.]+)\s*=\s*(ktdurham|ptlund)\b",
    re.MULTILINE | re.IGNORECASE,
)
# The block after the header, the names of weights, and their values without names.
_INIT = re.compile(rb"<init[\s>]")
_WEIGHTS = re.compile(rb"<initrwgt>.*?</initrwgt>", re.DOTALL)
_VALUES = re.compile(rb"<weights>[^<]*</weights>\n?")


def weights_of(events: EventRange) -> Mapping[str, str]:
    """Names (ids) and descriptions of the weights that events have beside their own."""
    text = b"".join(replace(events, start=events.stop).chunks())
    header = parsed(text, events).header
    if header is not None and (described := [*header.initrwgt.iter_weights()]):
        return {w.id: " ".join(w.name.split()) for w in described}
    first = next(checked(parsed(b"".join(events.chunks()), events), events))
    return {name: name for name in first.weights}


def merging_of(events: EventRange) -> str | None:
    """By what samples of several multiplicities were to be merged, if the run card tells of it."""
    text = next(events.chunks())[: events.header]
    match = _MERGING.search(text)
    return match and match[0].decode().strip()


def parsed(text: bytes, events: EventRange) -> Any:
    """``pylhe.LHEFile`` of a range, of whose header only the weights are left where it is no XML.

    pylhe needs XML, and the names of weights where events list their values alone.

    Raises:
        InputError: the block <init> is broken.
        MissingExtraError: pylhe is not installed.
    """
    try:
        import pylhe
    except ImportError as error:
        raise MissingExtraError("pylhe", "simulation") from error
    weights = _WEIGHTS.search(text)
    if weights is None:
        text = _VALUES.sub(b"", text)
    begin = init.start() if (init := _INIT.search(text)) else 0
    starts = [text[:begin], b"<LesHouchesEvents>\n"]
    if weights:
        starts.insert(1, b"<LesHouchesEvents>\n<header>\n" + weights[0] + b"\n</header>\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start in starts:
            try:
                return pylhe.LHEFile.frombuffer(io.BytesIO(start + text[begin:]))
            except Exception:  # pylhe lets through what int() and the XML parser raise
                continue
    raise InputError("its <init> block is broken", where=events.path, fix="fetch it again")


def checked(file: Any, events: EventRange) -> Iterator[Any]:
    """The events, each with the particles it announces; Pythia would pass over one that has not.

    Raises:
        InputError: an event is no XML or has other particles than it announces.
    """
    found = iter(file.events)
    for number in range(events.first + 1, events.first + events.n_events + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                event = next(found)
        except Exception:  # of any kind, as above
            event = None
        if event is None or not 0 < event.eventinfo.nparticles <= len(event.particles):
            raise InputError(f"event {number} is broken", where=events.path, fix="fetch it again")
        yield event
