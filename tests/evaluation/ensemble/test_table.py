"""The comparison of representations."""

from __future__ import annotations

from invented import invented_metrics

from darkclr.evaluation import (
    EncoderFacts,
    EnsembleMetrics,
    FigureOfMerit,
    ScoreFacts,
    comparison,
    markdown,
)


def representation(auc: float, score: str = "nae") -> EnsembleMetrics:
    member = invented_metrics(score, auc=auc, rejection=FigureOfMerit(50.0, 1.0), title="s_NAE")
    facts = {score: ScoreFacts("representations", 3, 0.1)}
    return EnsembleMetrics([[member]], None, facts, EncoderFacts(5, 2.0))


def test_published_values_are_those_of_the_representation():
    table = comparison(
        {
            None: representation(0.8),
            "minimal": representation(0.7, "nae_thesis"),  # whose autoencoder that is
            "wide": representation(0.6),
        },
        processes={"aachen": "aachen"},
    )
    published = {row.representation: row.published for row in table.rows}
    assert published[None]["auc"] == FigureOfMerit(0.76, 0.01)
    assert published["minimal"]["auc"] == FigureOfMerit(0.767, 0.034)
    assert published["wide"] is None
    (line,) = (row for row in markdown(table).splitlines() if row.startswith("| minimal"))
    assert "0.767 ± 0.034" in line


def test_both_columns_are_shown():
    number, facts = FigureOfMerit(50.0, 1.0), ScoreFacts("representations", 3, 0.1)
    member = invented_metrics("nae", auc=0.8, rejection=number, auc_at_equal_pt=0.6)
    ensemble = EnsembleMetrics([[member]], [[member]], {"nae": facts}, EncoderFacts(5, 2.0))
    table = comparison({None: ensemble}, processes={"aachen": "aachen"})
    assert table.match == "pt"
    assert table.rows[0].natural_matched["auc"].value == 0.6
    head, _, row = (x for x in markdown(table).splitlines() if x.startswith("|"))
    cells = dict(zip(head.strip("| ").split(" | "), row.strip("| ").split(" | "), strict=True))
    assert (cells["AUC"], cells["AUC, equal pT"]) == ("0.8", "0.6")
    assert cells["AUC, equal pT: encoders, densities, test"] == "–, –, 0.010"
    assert cells["AUC, 0% gluons, equal pT"] == "0.6"


def test_published_values_are_of_one_signal():
    def found(process: str):
        return comparison({None: representation(0.8)}, processes={"aachen": process}).rows[0]

    assert found("sample").published is None
    table_3 = {"source": "arXiv:2312.03067, Table 3", "rejection_0.2": FigureOfMerit(28, 2)}
    assert found("rinv02").published == table_3
