"""The learn pages quote the source word for word, run as printed, and lead nowhere wrong."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import re
import sys
import textwrap
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cnnpy import reference

from .pages import anchors, blocks, leads_nowhere, links, prose

ROOT = Path(__file__).resolve().parents[2]
LEARN = ROOT / "docs" / "learn"
ENGLISH, KOREAN = sorted(LEARN.glob("*.md")), sorted((LEARN / "ko").glob("*.md"))
PAGES = [*ENGLISH, *KOREAN]
OP_PAGES = [page for page in PAGES if page.name != "README.md"]

OPS_OF = {
    "conv2d": ("conv2d",),
    "max_pool2d": ("max_pool2d",),
    "avg_pool2d": ("avg_pool2d",),
    "linear": ("linear", "flatten"),
    "softmax_cross_entropy": ("softmax_cross_entropy",),
}
SECTIONS = {
    "learn": (
        "the-picture",
        "the-formula",
        "the-definition",
        "a-wrong-version-and-how-it-shows",
        "exercise",
    ),
    "ko": (
        "그림으로-보기",
        "수식과-그-이유",
        "정의",
        "틀린-코드는-어떻게-드러나는가",
        "연습-문제",
    ),
}


def name_of(page: Path) -> str:
    return str(page.relative_to(LEARN))


def function_of(quote: re.Match[str]) -> tuple[ast.FunctionDef, list[str]]:
    source = (ROOT / quote["path"]).read_text(encoding="utf-8")
    found = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == quote["function"]
    ]
    assert len(found) == 1, f"{quote['path']} has no function {quote['function']}"
    return found[0], source.split("\n")


def must_hold(part: str, function: ast.FunctionDef) -> list[ast.stmt]:
    """Return the statements that a quote of this part may not leave out."""
    if part == "loops":
        return [node for node in function.body if isinstance(node, ast.For)]
    if part == "body":
        return function.body[1:] if ast.get_docstring(function) else function.body
    return []


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    path = ROOT / "tools" / "draw_learn_pictures.py"
    spec = importlib.util.spec_from_file_location("draw_learn_pictures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_both_languages_have_the_same_pages() -> None:
    expected = sorted([*(f"{name}.md" for name in OPS_OF), "README.md"])
    assert [page.name for page in ENGLISH] == expected
    assert [page.name for page in KOREAN] == expected


@pytest.mark.parametrize("page", OP_PAGES, ids=name_of)
def test_a_page_has_every_section_once(page: Path) -> None:
    found = [anchor for anchor in anchors(page) if anchor in SECTIONS[page.parent.name]]
    assert found == list(SECTIONS[page.parent.name])


@pytest.mark.parametrize("page", OP_PAGES, ids=name_of)
def test_a_page_quotes_both_passes_of_its_ops(page: Path) -> None:
    quoted = {block.quote["function"] for block in blocks(page) if block.quote}
    for op in OPS_OF[page.stem]:
        assert {f"{op}_forward", f"{op}_backward"} <= quoted


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_quote_stands_in_the_source_word_for_word(page: Path) -> None:
    marked = page.read_text(encoding="utf-8").count("<!-- quote")
    quotes = [block for block in blocks(page) if block.quote]
    assert marked == len(quotes), "a quote comment is misspelt, or not right above its block"
    for block in quotes:
        assert block.quote is not None and block.language == "python"
        function, source = function_of(block.quote)
        where = f"{name_of(page)}:{block.line}, {block.quote['path']} {function.name}"
        inside = source[function.lineno - 1 : function.end_lineno]
        length = block.text.count("\n") + 1
        runs = [
            textwrap.dedent("\n".join(inside[k : k + length]))
            for k in range(len(inside) - length + 1)
        ]
        assert block.text in runs, f"{where}: the quote is not in the source"
        needed = must_hold(block.quote["part"], function)
        if needed:
            lines = source[needed[0].lineno - 1 : needed[-1].end_lineno]
            whole = textwrap.dedent("\n".join(lines))
            assert whole in block.text, f"{where}: the quote is not the whole {block.quote['part']}"


@pytest.mark.parametrize("backend", ["reference", None], ids=["definition", "fastest"])
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_runs_as_printed(
    page: Path, backend: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend is None:
        monkeypatch.delenv("CNNPY_BACKEND", raising=False)
    else:
        monkeypatch.setenv("CNNPY_BACKEND", backend)
    names: dict[str, Any] = {"__name__": page.stem}
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    shown = 0
    for block in blocks(page):
        if block.language != "python" or block.quote:
            continue
        if ">>>" not in block.text:
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, str(page), "exec", dont_inherit=True), names)
            continue
        test = doctest.DocTestParser().get_doctest(
            block.text + "\n", names, name_of(page), str(page), block.line - 1
        )
        test.globs = names
        runner.run(test, out=report.append, clear_globs=False)
        shown += len(test.examples)
    assert shown > 0
    assert not report, "".join(report)


@pytest.mark.parametrize("page", OP_PAGES, ids=name_of)
def test_the_answer_is_folded_and_runs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    exercise = text.index("## Exercise" if page.parent == LEARN else "## 연습 문제")
    answer = re.search(r"<details>\n<summary>.+</summary>\n\n(.+)\n\n</details>", text, re.S)
    assert answer is not None and answer.start() > exercise
    assert ">>>" in answer[1]


@pytest.mark.parametrize("page", OP_PAGES, ids=name_of)
def test_a_wrong_version_is_defined_and_shown(page: Path) -> None:
    code = [block.text for block in blocks(page) if block.language == "python" and not block.quote]
    wrong = {name for text in code for name in re.findall(r"^def (wrong_\w+)", text, re.M)}
    assert wrong
    for name in wrong:
        assert any(re.search(rf"(>>>|\.\.\.) .*\b{name}\(", text) for text in code), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_local_link_leads_somewhere(page: Path) -> None:
    assert links(page)
    assert leads_nowhere(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_links_to_its_twin(page: Path) -> None:
    twin = LEARN / page.name if page.parent.name == "ko" else LEARN / "ko" / page.name
    assert twin.resolve() in [(page.parent / target).resolve() for target in links(page)]


@pytest.mark.parametrize("folder", [LEARN, LEARN / "ko"], ids=["en", "ko"])
def test_the_index_leads_to_every_page(folder: Path) -> None:
    assert {f"{name}.md" for name in OPS_OF} <= set(links(folder / "README.md"))


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_korean_pages_are_mostly_hangul(page: Path) -> None:
    words = re.sub(r"\]\([^)]*\)", "]", prose(page))
    letters = [letter for letter in words if letter.isalpha()]
    hangul = [letter for letter in letters if unicodedata.name(letter).startswith("HANGUL")]
    assert len(hangul) > 0.85 * len(letters)


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_korean_pages_keep_one_level_of_politeness(page: Path) -> None:
    plain = re.findall(r"[가-힣]+(?<![니시])다\.", prose(page))
    casual = re.findall(r"[가-힣]+요\.", prose(page))
    assert plain == [] and casual == []


def test_pictures_are_as_their_tool_draws_them(tool: ModuleType) -> None:
    folder = LEARN / "pictures"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(tool.PICTURES)
    for name, draw in tool.PICTURES.items():
        drawn = (folder / f"{name}.svg").read_text(encoding="utf-8")
        assert drawn == draw(), f"{name}.svg is old: run python tools/draw_learn_pictures.py"
        assert draw() == draw(), f"{name} comes out differently every time"


def test_pictures_stay_on_their_paper(tool: ModuleType) -> None:
    for name in tool.PICTURES:
        svg = ElementTree.fromstring((LEARN / "pictures" / f"{name}.svg").read_text("utf-8"))
        width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
        paper = svg.find("{*}rect")
        assert paper is not None and paper.attrib["fill"] == "#ffffff", "GitHub may be dark"
        assert float(paper.attrib["rx"]) > 0
        for text in svg.iter("{http://www.w3.org/2000/svg}text"):
            wide = len(text.text or "") * float(text.attrib["font-size"]) * 0.62
            share = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]]
            left = float(text.attrib["x"]) - share * wide
            assert left >= 0 and left + wide <= width, f"{name}: {text.text}"
            assert 0 <= float(text.attrib["y"]) <= height - 4, f"{name}: {text.text}"


@pytest.mark.parametrize("folder", [LEARN, LEARN / "ko"], ids=["en", "ko"])
def test_every_picture_is_on_a_page_and_is_described(tool: ModuleType, folder: Path) -> None:
    shown = set()
    for page in folder.glob("*.md"):
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", prose(page)):
            assert len(words) > 20, f"{name_of(page)}: {target} needs words for who cannot see it"
            shown.add(Path(target).stem)
    assert shown == set(tool.PICTURES)


def test_the_numbers_in_the_pictures_are_those_of_the_definition(tool: ModuleType) -> None:
    def image(values: Any) -> Any:
        return np.array(values, dtype=np.float64)[None, None]

    conv = tool.EXAMPLES["conv2d"]
    out, cache = reference.conv2d_forward(
        image(conv["x"]), image(conv["w"]), np.array([1.0]), stride=2, padding=1
    )
    assert conv["b"] == [[1]]
    np.testing.assert_array_equal(out[0, 0], tool.convolved(conv["x"], conv["w"], 1, 2, 1))
    dx, _, _ = reference.conv2d_backward(image(conv["dout"]), cache)
    dx_pad = np.array(tool.scattered(conv["dout"], conv["w"], 2, 6, 7))
    np.testing.assert_array_equal(dx[0, 0], dx_pad[1:-1, 1:-1])

    pool = tool.EXAMPLES["max_pool2d"]
    out, cache = reference.max_pool2d_forward(image(pool["x"]), kernel_size=3, stride=2)
    largest, places = tool.max_pooled(pool["x"], 3, 2)
    np.testing.assert_array_equal(out[0, 0], largest)
    expected = np.zeros((5, 5))
    for i, j in np.ndindex(2, 2):
        expected[places[i][j]] += pool["dout"][i][j]
    dx = reference.max_pool2d_backward(image(pool["dout"]), cache)
    np.testing.assert_array_equal(dx[0, 0], expected)

    softmax = tool.EXAMPLES["softmax_cross_entropy"]
    _, cache = reference.softmax_cross_entropy_forward(
        np.array(softmax["x"], dtype=np.float64), np.array(softmax["q"], dtype=np.float64)
    )
    dx = reference.softmax_cross_entropy_backward(np.float64(1), cache)
    _, p = tool.softmaxed(softmax["x"][0])
    np.testing.assert_allclose(dx[0], np.array(p) - softmax["q"][0], atol=1e-12)


def test_the_examples_of_the_tool_run(tool: ModuleType) -> None:
    found = doctest.testmod(tool)
    assert found.attempted > 0 and found.failed == 0
