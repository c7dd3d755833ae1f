from __future__ import annotations

from dataclasses import replace


def test_summary_has_baselines_first_then_falling_auc(metrics):
    scores = metrics.scores | {"blind": replace(metrics.scores["blind"], baseline=True)}
    rows = replace(metrics, scores=scores).rows()
    assert [(r.signal, r.score) for r in rows] == [
        ("aachen", "blind"),
        ("aachen", "good"),
        ("light", "blind"),
        ("light", "good"),
    ]
    wanted = {"auc", "rejection_0.1", "rejection_0.2", "rejection_0.5", "max_sic"}
    assert wanted <= set(rows[0].figures)
    assert str(rows[1].figures["auc"]).startswith("0.7")


def test_a_sample_without_a_title_is_called_by_its_name(metrics):
    assert metrics.title("aachen") == "aachen"
    counts = replace(metrics.samples["aachen"], title="Aachen")
    titled = replace(metrics, samples=metrics.samples | {"aachen": counts})
    assert titled.title("aachen") == "Aachen"
    assert titled.title("elsewhere") == "elsewhere"
