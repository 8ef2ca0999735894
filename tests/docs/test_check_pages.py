"""The pages on CHECK do as they say: files, commands and Python on them run as printed."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cnnpy
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade
from cnnpy.cli.app import run

from .pages import Block, blocks, leads_nowhere, links, prose

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "docs" / "check"
ENGLISH = [CHECK / "README.md", CHECK / "teachers.md"]
KOREAN = [CHECK / "ko" / "README.md", CHECK / "ko" / "teachers.md"]
PAGES = [*ENGLISH, *KOREAN]
PICTURES = CHECK / "pictures"

REPLACED = re.compile(r"in (\S+), for: (.*)")


def name_of(page: Path) -> str:
    return str(page.relative_to(CHECK))


# --- what a page shows is what comes out ---------------------------------------------------


class Reader:
    """Somebody who writes the files of a page, and types its commands and its Python."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.code = 0
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.commands = self.examples = 0

    def read(self, block: Block) -> None:
        where = f"{name_of(self.page)}:{block.line}"
        replaced = REPLACED.fullmatch(block.comment)
        if block.comment.startswith("file: "):
            path = self.folder / block.comment.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + "\n", encoding="utf-8")
        elif replaced:
            path = self.folder / replaced[1]
            text = path.read_text(encoding="utf-8")
            assert text.count(replaced[2]) == 1, where
            path.write_text(text.replace(replaced[2], block.text.strip()), encoding="utf-8")
        elif block.language == "console":
            for line, shown in dialogue(block.text):
                self.type(line, shown, where)
        elif block.language == "python" and ">>>" in block.text:
            self.paste(block, where)

    def type(self, line: str, shown: str, where: str) -> None:
        self.commands += 1
        printed = steady(self.answer(line))
        alike = doctest.OutputChecker().check_output(steady(shown), printed, doctest.ELLIPSIS)
        assert alike, f"{where}: $ {line}\nshows\n{steady(shown)}\nand gives\n{printed}"

    def answer(self, line: str) -> str:
        """Run a command: ours in this process, others in the shell."""
        if line == "echo $?":
            return f"{self.code}\n"
        words = shlex.split(line)
        if words[0] == "cnnpy":
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                self.code = run(words[1:])
            return out.getvalue()
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=surroundings(self.folder),
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        self.code = done.returncode
        return done.stdout + done.stderr

    def paste(self, block: Block, where: str) -> None:
        for name in [n for n, m in sys.modules.items() if is_in(m, self.folder)]:
            del sys.modules[name]
        test = doctest.DocTestParser().get_doctest(
            block.text + "\n", self.names, name_of(self.page), str(self.page), block.line - 1
        )
        test.globs = self.names
        said: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        runner.run(test, out=said.append, clear_globs=False)
        self.examples += len(test.examples)
        assert not said, f"{where}\n{''.join(said)}"


def dialogue(text: str) -> Iterator[tuple[str, str]]:
    """Give each command of a console with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, _, shown = part.partition("\n")
        while line.endswith("\\"):  # goes on in the next line
            more, _, shown = shown.partition("\n")
            line = f"{line[:-1]}{more.strip()}"
        yield line, shown


def steady(text: str) -> str:
    """Take out what differs between machines, and as cases are added: seconds, counts."""
    text = re.sub(r"\d+ cases? in [\d.]+ s", "N cases in T s", text)
    text = re.sub(r"\d+ passed", "N passed", re.sub(r"in \d+\.\d+s", "in Ts", text))
    text = re.sub(r"[─-]{4,}|={3,}", "---", text)
    # the column of cases, and how far it is from the marks behind it
    text = re.sub(r"^(\S.*?) +\d+ +(right|WRONG|tie|-) ", r"\1 N \2 ", text, flags=re.M)
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def is_in(module: object, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(folder)


def surroundings(folder: Path) -> dict[str, str]:
    """Give the environment of a shell in which ``cnnpy`` and ``python`` are these."""
    bin_ = folder / ".bin"
    bin_.mkdir(exist_ok=True)
    for name, arguments in (("cnnpy", " -m cnnpy"), ("python", "")):
        (bin_ / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{arguments} "$@"\n')
        (bin_ / name).chmod(0o755)
    return os.environ | {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(cnnpy.__file__).parents[1]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # an entry point may be that of another cnnpy
        "PYTEST_ADDOPTS": "-p cnnpy.check.pytest_plugin",
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to work in, on a terminal of 80 columns that says nothing of its own."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CNNPY_DEBUG", "PY_COLORS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_runs_as_printed(page: Path, folder: Path) -> None:
    reader = Reader(page, folder)
    for block in blocks(page):
        reader.read(block)
    assert reader.commands >= 3


def file_on(page: Path, name: str) -> str:
    (text,) = (b.text for b in blocks(page) if b.comment == f"file: {name}")
    return text


@pytest.mark.parametrize("page", [ENGLISH[1], KOREAN[1]], ids=name_of)
@pytest.mark.parametrize("submitted", [True, False], ids=["wrong", "missing"])
def test_the_script_for_gradescope_leaves_results_where_they_are_looked_for(
    page: Path, folder: Path, submitted: bool
) -> None:
    top = folder / "autograder"
    for name in ("submission", "source", "results"):
        (top / name).mkdir(parents=True)
    (top / "source" / "rubric.toml").write_text(file_on(page, "rubric.toml"), encoding="utf-8")
    if submitted:
        (top / "submission" / "layers.py").write_text(file_on(page, "layers.py"), encoding="utf-8")
    script = file_on(page, "run_autograder").replace("/autograder", str(top))
    assert script.startswith("#!/usr/bin/env bash\n")
    (folder / "run_autograder").write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["bash", "run_autograder"], cwd=folder, env=surroundings(folder), capture_output=True
    )
    assert done.returncode == 0
    results = json.loads((top / "results" / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == (4.0 if submitted else 0.0)
    points = tomllib.loads(file_on(page, "rubric.toml"))["points"].values()
    worth = sum(sum(p.values()) if isinstance(p, dict) else p for p in points)
    assert sum(test["max_score"] for test in results["tests"]) == worth


@pytest.mark.parametrize("page", [ENGLISH[1], KOREAN[1]], ids=name_of)
def test_the_job_for_github_writes_what_it_keeps(page: Path, folder: Path) -> None:
    (job,) = (block.text for block in blocks(page) if block.language == "yaml")
    (line,) = re.findall(r"- run: (cnnpy check .*)", job)
    (folder / "layers.py").write_text(file_on(page, "layers.py"), encoding="utf-8")
    reader = Reader(page, folder)
    reader.answer(line)
    assert reader.code == 1
    kept = re.search(r"path: \|\n((?:\s+\S+\n?)+)", job)
    assert kept is not None
    assert all((folder / name).stat().st_size > 0 for name in kept[1].split())


# --- links and languages -------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, CHECK / "mistakes.md"], ids=name_of)
def test_every_local_link_leads_somewhere(page: Path) -> None:
    assert links(page)
    assert leads_nowhere(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_links_to_its_twin(page: Path) -> None:
    twin = CHECK / page.name if page.parent.name == "ko" else CHECK / "ko" / page.name
    assert twin.resolve() in [(page.parent / target).resolve() for target in links(page)]


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


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_option_on_a_page_is_one_of_the_command(page: Path) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run(["check", "--help"])
    plugin = (ROOT / "src" / "cnnpy" / "check" / "pytest_plugin.py").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"cnnpy check[^`\n]*", text) + re.findall(r"`--[^`]*`", text):
        for option in re.findall(r"--[a-z][a-z-]*", line):
            told = plugin if option.startswith("--cnnpy-") else out.getvalue()
            assert option in told, f"{name_of(page)}: {option}"


# --- the list of mistakes ------------------------------------------------------------------


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    path = ROOT / "tools" / "write_mistake_pages.py"
    spec = importlib.util.spec_from_file_location("write_mistake_pages", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


STALE = "is old: run python tools/write_mistake_pages.py"


def test_the_list_is_what_its_tool_writes(tool: ModuleType) -> None:
    page = (CHECK / "mistakes.md").read_text(encoding="utf-8")
    assert page == tool.page_of(list(MISTAKES.values())), f"mistakes.md {STALE}"
    for name in MISTAKES:
        assert f"\n### {name}\n" in page


GRADES = {"tie": Grade.TIE, "notice": Grade.NOTICE}


@pytest.mark.parametrize("word", GRADES)
def test_the_list_says_the_grade_of_what_is_not_wrong(tool: ModuleType, word: str) -> None:
    page = (CHECK / "mistakes.md").read_text(encoding="utf-8")
    entries = {entry.split("\n", 1)[0]: entry for entry in page.split("\n### ")[1:]}
    named = [name for name, entry in entries.items() if f"Its grade is *{word}*" in entry]
    assert named
    for name in named:
        conclusion, _ = tool.told_of(MISTAKES[name])
        assert conclusion.grade is GRADES[word], name


def test_every_picture_is_of_a_mistake(tool: ModuleType) -> None:
    assert {path.stem for path in PICTURES.glob("*.svg")} <= set(MISTAKES)


SAMPLE = sorted(MISTAKES)[:: max(1, len(MISTAKES) // 12)]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_picture_is_what_a_check_of_the_mistake_shows(tool: ModuleType, name: str) -> None:
    path = PICTURES / f"{name}.svg"
    drawn = tool.picture_of(MISTAKES[name])
    assert drawn == (path.read_text(encoding="utf-8") if path.exists() else None), (
        f"{path.name} {STALE}"
    )


@pytest.mark.parametrize(
    "name", [name for name in MISTAKES if not (PICTURES / f"{name}.svg").exists()]
)
def test_a_mistake_without_a_picture_is_told_and_does_not_show_in_numbers(
    tool: ModuleType, name: str
) -> None:
    case = tool.case_that_shows(MISTAKES[name])
    assert case is not None
    assert all(result["right"] or result["n_differ"] == 0 for result in case["results"])
    assert case["raises"] is None


def test_pictures_have_words_paper_and_a_moderate_size() -> None:
    for path in PICTURES.glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 24_000, path.name
        svg = ElementTree.fromstring(text)
        assert len(svg.findtext("{*}title") or "") > 20 and svg.findtext("{*}desc"), path.name
        paper = svg.find("{*}rect")
        assert paper is not None and paper.attrib["fill"] == "#ffffff", "GitHub may be dark"
        width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
        for right, bottom in reaches(svg):
            assert right <= width and bottom <= height, path.name


def reaches(
    element: ElementTree.Element, x: float = 0.0, y: float = 0.0
) -> Iterator[tuple[float, float]]:
    """Give how far to the right and down every rectangle and every text reaches."""
    moved = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    left, top = x + float(element.get("x", 0)), y + float(element.get("y", 0))
    if element.tag.endswith("rect"):
        yield left + float(element.attrib["width"]), top + float(element.attrib["height"])
    elif element.tag.endswith("text"):
        wide = 7.3 * len(element.text or "")
        yield left + (wide / 2 if element.get("class") == "n" else wide), top
    for child in element:
        yield from reaches(child, x, y)


def test_the_examples_of_the_tool_run(tool: ModuleType) -> None:
    found = doctest.testmod(tool)
    assert found.attempted > 0 and found.failed == 0
