"""The page by keyboard, in windows of any width, on light and on dark ground."""

from __future__ import annotations

from itertools import pairwise

import pytest
from browser import BROWSER, browser

from darkclr.report import report

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on the path")

FOCUSED = """(() => {
  const it = document.activeElement, style = getComputedStyle(it);
  const label = it.id || it.name || (it.type === "checkbox" ? "curve" : it.tagName.toLowerCase());
  return [label, style.outlineStyle, parseFloat(style.outlineWidth)];
})()"""


@pytest.fixture(scope="module")
def opened(finished_run, tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as shown:
        shown.look(1000)
        shown.open(report(finished_run))
        yield shown
        assert shown.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_tab_goes_from_top_to_bottom_and_shows_where_it_is(opened, dark):
    opened.look(1000, dark=dark)
    opened.value("document.querySelector('nav a').focus()")
    seen, at = [], []
    while not seen or seen[-1] != "summary":
        opened.press("Tab")
        label, outline, width = opened.value(FOCUSED)
        assert (outline, width >= 2) == ("solid", True), label
        seen.append(label)
        at.append(opened.value("document.activeElement.getBoundingClientRect().top + scrollY"))
        assert len(seen) < 200
    order = [label for i, label in enumerate(seen) if i == 0 or seen[i - 1] != label]
    controls = [label for label in order if label not in ("a", "div")]
    assert controls == ["wp-fixed", "wp-drawn", "wp-point", "curve", "summary"]
    assert seen[0] == "a"
    assert all(below >= above - 60 for above, below in pairwise(at))


def test_arrows_and_space_work_the_controls(opened):
    opened.look(1000)
    opened.value("document.getElementById('wp-point').focus()")
    value = "document.getElementById('wp-value').textContent"
    before = opened.value(value)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        opened.press(key)
    assert float(opened.value(value)) == pytest.approx(float(before) + 0.01)
    assert opened.value("document.activeElement.getAttribute('aria-valuetext')").endswith(
        opened.value(value)
    )
    opened.value("document.querySelector('[name=wp-fixed]:checked').focus()")
    opened.press("ArrowRight")
    assert opened.value("document.querySelector('[name=wp-fixed]:checked').value") == "background"
    curves = "document.querySelectorAll('#wp-charts polyline').length"
    drawn = opened.value(curves)
    opened.value("document.querySelector('#wp-table input').focus()")
    opened.press(" ")
    assert opened.value(curves) < drawn
    opened.press(" ")
    assert opened.value(curves) == drawn


@pytest.mark.parametrize("width", [400, 700, 1000, 1600])
def test_the_page_is_as_wide_as_its_window(opened, width):
    opened.look(width)
    assert opened.value("document.documentElement.scrollWidth") <= width
    assert opened.value("[...document.images].every((one) => one.complete && one.width > 100)")
