"""The run itself: times, samples, provenance, configuration."""

from __future__ import annotations

from darkclr.errors import InputError
from darkclr.evaluation.search import Search
from darkclr.report.page.html import Section, folded, key_values
from darkclr.report.provenance import provenance
from darkclr.report.run_files import RunFiles, read_timings
from darkclr.report.sections.writing import or_say_why

__all__ = ["facts"]


def facts(files: RunFiles) -> Section:
    """Times, samples, provenance and configuration."""
    section = Section("run", "The run")
    with or_say_why(section, "the times"):
        timings = read_timings(files.folder / "timings.json")
        rows = {step: _duration(seconds) for step, seconds in timings.items()}
        rows["total"] = _duration(sum(timings.values()))
        section.markup += "<h3>Wall-clock</h3>" + key_values(rows)
    with or_say_why(section, "the samples"):
        if files.without_signal:
            found = Search.read(files.folder / "search.json")
            rows, versions = {"all": f"{found.n_jets:,} jets"}, found.versions
        else:
            metrics = files.metrics
            rows = {
                files.title(name): f"{n.n_jets:,} jets of {n.n_events:,} events"
                for name, n in metrics.samples.items()
            }
            versions = metrics.provenance.versions
        section.markup += "<h3>Scored jets</h3>" + key_values(rows)
        section.markup += "<h3>Provenance</h3>" + key_values(provenance(files, versions))
    with or_say_why(section, "the configuration"):
        path = files.folder / "config.yaml"
        if not path.is_file():
            raise InputError("no such file", where=path)
        text = path.read_text(encoding="utf-8", errors="replace")
        section.markup += folded("Configuration", text)
    return section


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.3g} s"
