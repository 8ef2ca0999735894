"""What the tests share: an op as everybody calls it on a backend of choice, and a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import cnnpy
from cnnpy import functional
from cnnpy.check import Case


class Passes(NamedTuple):
    """Both passes of an op."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]


def _public(op: str, backend: str) -> Passes:
    public_forward = getattr(functional, f"{op}_forward")

    def forward(*inputs: Any, **options: Any) -> tuple[Any, Any]:
        if op == "dropout" and options.get("mask") is None:
            options["train"] = False  # without a mask the public function would draw one
        with cnnpy.use_backend(backend):
            out, cache = public_forward(*inputs, **options)
        assert cache.backend == backend, f"{op} fell back to {cache.backend}"
        return out, cache

    return Passes(forward, getattr(functional, f"{op}_backward"))


def _gradient_of_output(case: Case, forward: Callable[..., Any], seed: int) -> Any:
    own = case.cast(np.float64)
    out, _ = forward(*own.positional(), **own.keywords())
    return np.asarray(np.random.default_rng(seed).standard_normal(np.shape(out)))


@pytest.fixture(scope="session")
def public() -> Callable[[str, str], Passes]:
    """Give ``public(op, backend)``: both passes of cnnpy.functional on that backend."""
    return _public


@pytest.fixture(scope="session")
def gradient_of_output() -> Callable[[Case, Callable[..., Any], int], Any]:
    """Give ``gradient_of_output(case, forward, seed)``: a dout of the right shape."""
    return _gradient_of_output


# --- pages in a browser ------------------------------------------------------------------

DARK, LIGHT = 0, 1
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--enable-logging=stderr",
)
Browse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Open a page in Chromium, and give its document as it stands after loading."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        if os.environ.get("CNNPY_REQUIRE_EXTRAS") == "1":
            pytest.fail("CNNPY_REQUIRE_EXTRAS=1, and there is no Chromium")
        pytest.skip("there is no Chromium: apt-get install chromium")

    def opened(html: str, scheme: int = LIGHT) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        return subprocess.run(
            [
                browser,
                *FLAGS,
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    return opened


MEASURE = """<!DOCTYPE html><body><script>
for (const width of [390, 1200]) {
  const frame = document.createElement("iframe");
  frame.style.width = width + "px";
  frame.onload = () => {
    const page = frame.contentDocument;
    const images = [...page.images];
    const told = document.createElement("p");
    told.textContent = JSON.stringify([width, page.documentElement.scrollWidth,
      frame.contentWindow.getComputedStyle(page.body).backgroundColor,
      images.length, images.filter((image) => !image.naturalWidth).length]);
    document.body.append(told);
  };
  frame.style.border = "0";
  frame.srcdoc = SOURCE;
  document.body.append(frame);
}
</script>"""


@pytest.fixture
def fits_screens(browse: Browse) -> Callable[[str], None]:
    """Demand of a page that it fits a phone and a desk in light and dark, its pictures shown."""

    def demand(source: str) -> None:
        page = MEASURE.replace("SOURCE", json.dumps(source).replace("</", "<\\/"))
        grounds = []
        for scheme in (LIGHT, DARK):
            told = re.findall(r"<p>(\[.*?\])</p>", browse(page, scheme).stdout)
            measured = sorted(map(json.loads, told))
            assert [width for width, *_ in measured] == [390, 1200]
            for width, scrolled, _, n_images, n_broken in measured:
                assert scrolled <= width
                assert n_images == source.count('<img src="data:')
                assert n_broken == 0
            grounds.append(measured[0][2])
        assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]

    return demand


_MET = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def log_met(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Give ``log_met(line)``: the line stands in the summary at the end of the run."""
    return pytestconfig.stash.setdefault(_MET, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of pytest-xdist's workers: hand over what was met, since the summary is not theirs."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["met"] = session.config.stash.get(_MET, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker met; one that crashed has handed over nothing."""
    met = getattr(node, "workeroutput", {}).get("met", [])
    node.config.stash.setdefault(_MET, []).extend(met)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = config.stash.get(_MET, [])
    if lines:
        terminalreporter.section("what was met")
        for line in sorted(lines):
            terminalreporter.write_line(line)
