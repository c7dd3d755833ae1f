"""The page in a browser: it complains of nothing, and its slider gives the measured numbers."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hostile import NAMES

from darkclr.evaluation import read_metrics
from darkclr.evaluation.metrics import background_rejection, significance_improvement
from darkclr.report.page.html import Section, page
from darkclr.report.page.working_point import embedded, working_point_markup

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome on the path to open the page with"
)

# Fixes an efficiency, moves the slider, and writes down what the table says.
DRIVER = """
const seen = [];
addEventListener("error", (event) => seen.push({ error: event.message }));
document.addEventListener("securitypolicyviolation", (event) =>
  seen.push({ error: event.violatedDirective }));
function read(fixed, position) {
  const radio = document.querySelector(`input[name="wp-fixed"][value="${fixed}"]`);
  radio.checked = true;
  radio.dispatchEvent(new Event("change"));
  const point = document.getElementById("wp-point");
  point.value = position;
  point.dispatchEvent(new Event("input"));
  const rows = [...document.querySelectorAll("#wp-table tbody tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent));
  seen.push({ fixed, rows, spoken: point.getAttribute("aria-valuetext"),
    dots: document.querySelectorAll("#wp-charts circle").length });
}
read("signal", 0.3);
read("signal", 0.05);
read("background", -1);
const svg = document.querySelector("#wp-charts svg"), box = svg.getBoundingClientRect();
svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2 }));
seen.push({ tip: document.querySelector(".tip").textContent });
document.querySelector("#wp-table input").click();
seen.push({ curves: document.querySelectorAll("#wp-charts polyline").length });
const note = document.createElement("output");
note.id = "seen";
note.textContent = JSON.stringify(seen);
document.body.append(note);
"""


def in_browser(text: str, folder: Path, driver: str = DRIVER) -> tuple[list[dict], str]:
    """What the driver saw in a page, and what the console says."""
    digest = base64.b64encode(hashlib.sha256(driver.encode()).digest()).decode()
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    path = folder / "driven.html"
    path.write_text(text.replace("</body>", f"<script>{driver}</script></body>"), encoding="utf-8")
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", "--dump-dom"),
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (seen,) = re.findall(r'<output id="seen">(.*?)</output>', done.stdout, re.DOTALL)
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return json.loads(html.unescape(seen)), console


@pytest.fixture(scope="module")
def seen(finished_run, tmp_path_factory):
    """What a reader of the page sees who moves the slider."""
    metrics = read_metrics(finished_run / "metrics.json")
    section = Section("working-point", "Working point", "", working_point_markup(metrics, "13 TeV"))
    found, console = in_browser(page("demo", [section]), tmp_path_factory.mktemp("page"))
    assert console == ""
    return metrics, found


def number(cell: str) -> tuple[float, float]:
    """Value and half of its last digit."""
    value = cell.split(" ± ")[0]
    return float(value), 0.5 * 10.0 ** -len(value.partition(".")[2])


@needs_browser
@pytest.mark.parametrize("step", [0, 1])
def test_the_slider_gives_the_measured_numbers_at_a_signal_efficiency(seen, step):
    metrics, found = seen
    efficiency = (0.3, 0.05)[step]
    assert found[step]["spoken"] == f"ε_S = {efficiency:.2f}"
    rows = {row.title: row.score for row in metrics.rows()}
    assert len(found[step]["rows"]) == len(rows)
    for title, *cells in found[step]["rows"]:
        score = rows[title.removesuffix(" yardstick")]
        result = metrics.scores[score].signals["aachen"]
        for figures, part in ((result, cells[:5]), (result.matched, cells[5:])):
            i = figures.roc.signal_efficiency.index(efficiency)
            background = figures.roc.background_efficiency[i]
            if background == 0:
                assert part[2].startswith(">")
                continue
            expected = (
                efficiency,
                background,
                background_rejection(background),
                significance_improvement(efficiency, background),
                background * figures.n_background_effective,
            )
            for cell, value in zip(part, expected, strict=True):
                shown, rounding = number(cell)
                assert shown == pytest.approx(value, abs=1.01 * rounding, rel=5e-4)
            if efficiency == 0.3:  # one that is quoted, from its own replicas
                quoted = figures.background_rejection["0.3"]
                error = float(part[2].split(" ± ")[1])
                assert error == pytest.approx(quoted.error, rel=0.15, abs=0.06)


@needs_browser
def test_the_slider_gives_the_signal_efficiency_at_a_background_efficiency(seen):
    metrics, found = seen
    rows = {row.title: row.score for row in metrics.rows()}
    for title, *cells in found[2]["rows"]:
        result = metrics.scores[rows[title.removesuffix(" yardstick")]].signals["aachen"]
        for figures, part in ((result, cells[:5]), (result.matched, cells[5:])):
            roc = figures.roc
            efficiency = np.interp(0.1, roc.background_efficiency, roc.signal_efficiency)
            shown, rounding = number(part[0])
            assert shown == pytest.approx(efficiency, abs=1.01 * rounding)
            assert part[1:3] == ["0.1", "10"]
            shown, rounding = number(part[3])
            assert shown == pytest.approx(efficiency / np.sqrt(0.1), abs=1.01 * rounding, rel=5e-4)


@needs_browser
def test_curves_are_marked_described_and_hidden(seen):
    metrics, found = seen
    n = len(metrics.scores)
    assert found[0]["dots"] == 2 * n
    assert found[3]["tip"].startswith("εS = 0.")
    assert found[3]["tip"].count(": ") == n
    assert found[4]["curves"] == 2 * (n - 1)
    assert not any("error" in one for one in found)


@needs_browser
def test_names_of_strangers_are_text(finished_run, tmp_path):
    text = (finished_run / "metrics.json").read_text()
    evil = '</script><script>document.title="evil"</script><img src=x onerror=alert(1)>'
    for old, new in (
        ("s_NAE", evil),
        ('"title": "Aachen"', f'"title": {json.dumps(NAMES["html"])}'),
    ):
        assert old in text
        text = text.replace(old, new if old.startswith('"') else json.dumps(new)[1:-1])
    (tmp_path / "metrics.json").write_text(text)
    markup = working_point_markup(read_metrics(tmp_path / "metrics.json"), evil)
    driver = "const note = document.createElement('output'); note.id = 'seen'; note.textContent = "
    driver += "JSON.stringify([{title: document.title, images: document.images.length,"
    driver += (
        "text: document.getElementById('wp-table').textContent}]); document.body.append(note);"
    )
    (found,), console = in_browser(page("demo", [Section("a", "A", "", markup)]), tmp_path, driver)
    assert console == ""
    assert (found["title"], found["images"]) == ("demo · darkclr", 0)
    assert evil in found["text"]


def test_embedded_data_end_no_element():
    text = embedded({"</script>": "<!-- & \u2028 ε"})
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {"</script>": "<!-- & \u2028 ε"}
