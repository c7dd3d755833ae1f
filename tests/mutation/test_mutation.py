from __future__ import annotations

import ast

import mutation
import pytest
from mutation import SOURCE, Mutation, read_mutations, report

MUTATIONS = read_mutations()


@pytest.mark.parametrize("file", sorted({m.file for m in MUTATIONS}))
def test_every_mistake_of_the_list_can_be_made(file):
    """Its text is there once, the code after it is Python, and its tests are there."""
    text = (SOURCE / file).read_text()
    for one in MUTATIONS:
        if one.file == file:
            assert ast.dump(ast.parse(one.apply(text))) != ast.dump(ast.parse(text))
            assert one.key()


def test_a_text_that_is_not_there_once_is_an_error():
    one = Mutation("a.py", "x + y", "x - y", ())
    assert one.apply("z = x + y\n") == "z = x - y\n"
    for text in ("z = y + x\n", "z = (x + y) * (x + y)\n"):
        with pytest.raises(ValueError, match="occurs"):
            one.apply(text)


def test_what_was_tried_is_not_tried_again(monkeypatch, tmp_path):
    tried = []

    def outcome(tree, tests):
        content = (tree / "src" / "darkclr" / "split.py").read_text()
        tried.append(content == (SOURCE / "split.py").read_text())
        return "survived" if len(tried) < 3 else "killed"

    monkeypatch.setattr(mutation, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(mutation, "outcome", outcome)
    monkeypatch.setattr(mutation, "preload", lambda: None)
    monkeypatch.setattr(mutation.compileall, "compile_dir", lambda *_, **__: None)
    chosen = [m for m in MUTATIONS if m.file == "split.py"][:3]
    mutation.run(chosen[:2])
    assert tried == [True, False, False]
    mutation.run(chosen[:2])
    assert len(tried) == 3
    text = report(chosen)
    assert "| ground floor | 3 | 1 | 1 | 1 |" in text
    assert f"`{chosen[0].new}` for `{chosen[0].old}`" in text
