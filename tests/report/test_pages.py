"""The pages of runs: sound HTML with the right figures, in which nothing of a stranger's runs."""

from __future__ import annotations

import base64
import io
import itertools
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnpy import insight
from cnnpy.contract.errors import DataError, ModelFileError
from cnnpy.data import Dataset
from cnnpy.page import printable
from cnnpy.report import comparison_page, differing, gather, page_of, rows_of, run_page, settings
from cnnpy.report.style import STYLE
from cnnpy.train import RunRecord

from .conftest import HOSTILE, NAMES

VOID = {"meta", "img", "source"}
EXPECTED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "footer"),
    *("h1", "h2", "h3", "p", "span", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "figure", "figcaption", "picture", "source", "img"),
}
"""Every element that a page may have."""


class Page(HTMLParser):
    """Read a page, and hold it sound on the way."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in EXPECTED, tag
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self):
        return "".join(text for _, text in self.texts)


@pytest.fixture(scope="module")
def found(run, images):
    return gather(run, images)


@pytest.fixture(scope="module")
def source(found) -> str:
    return page_of(found)


@pytest.fixture(scope="module")
def compared(run, other_run) -> str:
    return comparison_page([run, other_run], {str(run.path): 0.625})


@pytest.fixture(params=["run", "compared", "without images"])
def any_page(request, source, compared, run) -> str:
    return {"run": source, "compared": compared}.get(request.param) or run_page(run)


def test_a_page_is_balanced_needs_no_network_and_runs_nothing(any_page):
    page = Page(any_page)
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"href", "action", "data"}
    addresses = [a[key] for a in page.all("img", "source") for key in ("src", "srcset") if key in a]
    assert addresses
    assert all(re.match(r"data:image/(png|svg\+xml);base64,", a) for a in addresses)
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    policies = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    ]


def test_headings_descend_by_one_and_everything_can_be_heard(any_page):
    page = Page(any_page)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
    assert all(image["alt"] for image in page.all("img"))
    scrolled = [div for div in page.all("div") if div.get("class") == "wide"]
    assert scrolled
    assert all(div["aria-label"] and div["tabindex"] == "0" for div in scrolled)


def test_what_a_stranger_named_is_text(source, compared):
    for html in (source, compared):
        page = Page(html)  # which has no element but the expected ones
        assert "onerror" not in {name for _, a in page.elements for name in a}
        assert "\u202e" not in html
    assert printable(NAMES[1]) in Page(source).text
    assert printable(HOSTILE)[:-4] in Page(source).text


def test_a_page_has_every_section(source):
    page = Page(source)
    heads = [text for tag, text in page.texts if tag == "h2"]
    assert heads == [
        *("Curves", "On the test images", "Confusions", "Worst mistakes", "Where it looks"),
        *("Filters of the first convolution", "Feature maps", "Embedding"),
        *("Where the time goes", "Epochs", "Settings and versions"),
    ]
    assert "small_cnn on" in page.text


def test_a_page_without_images_shows_what_needs_none(run):
    heads = [text for tag, text in Page(run_page(run)).texts if tag == "h2"]
    assert heads == [
        *("Curves", "Filters of the first convolution"),
        *("Where the time goes", "Epochs", "Settings and versions"),
    ]


def cells(page: Page, label: str, source: str) -> list[list[str]]:
    """Return the texts of a table, row by row."""
    part = source[source.index(f'aria-label="{label}"') :]
    body = part[part.index("<tbody>") : part.index("</tbody>")]
    rows = re.findall(r"<tr.*?>(.*?)</tr>", body, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def plain(share: float) -> str:
    return f"{100 * share:.2f}\N{NO-BREAK SPACE}%"


def test_the_figures_of_a_page_are_those_of_the_classifier(source, classifier, images):
    result = classifier.evaluate(images)
    confusion = result.confusion
    page = Page(source)
    n_right = int(np.trace(confusion))
    assert f"Accuracy {plain(n_right / 60)}, {n_right} of 60 images right" in page.text
    assert f"mean cross-entropy {result.loss:.4f}" in page.text
    figures = cells(page, "figures of each class", source)
    for k, row in enumerate(figures[:3]):
        assert row[1] == "20"
        assert row[3] == plain(confusion[k, k] / 20)
    matrix = cells(page, "confusion matrix", source)
    shown = [[int(text.replace(",", "") or 0) for text in row[1:]] for row in matrix]
    assert shown == confusion.tolist()


def test_the_mistakes_of_a_page_are_the_worst_with_their_images(source, found):
    worst = insight.mistakes(found.said, 18)
    assert worst
    shown = [a for a in Page(source).all("img") if a["alt"].startswith("image ")]
    assert [int(a["alt"].split()[1].rstrip(":")) for a in shown] == [m.index for m in worst]
    content = base64.b64decode(shown[0]["src"].partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels == found.dataset.images[worst[0].index, 0][..., np.newaxis]).all()


def test_the_layers_of_a_page_are_those_of_the_network(source, found):
    rows = cells(Page(source), "times of the layers", source)
    assert [row[0] for row in rows] == [row.name for row in found.profile.rows]
    assert "block" in {row[0] for row in rows}


def test_every_setting_stands_on_the_page(source, run):
    rows = cells(Page(source), "settings", source)
    assert ["versions.numpy", np.__version__] in rows
    assert ["seed", "0"] in rows
    assert "1, 2.5, two\\nlines" in {row[1] for row in rows}


def test_a_classifier_that_is_always_right_has_no_mistakes(found):
    data = found.dataset
    right = insight.Predictions(data.labels, np.log(np.eye(3)[data.labels] + 1e-9), NAMES)
    perfect = insight.metrics(data.labels, right.probabilities, NAMES)
    text = Page(page_of(type(found)(**vars(found) | {"said": right, "metrics": perfect}))).text
    assert "No image was taken for another class." in text
    assert "There is none." in text


def test_many_classes_have_their_matrix_as_a_picture(found):
    K = 30
    labels = np.arange(60) % K
    names = tuple(f"class {k}" for k in range(K))
    said = insight.Predictions(labels, np.log(np.eye(K)[labels] + 1e-9), names)
    data = Dataset(found.dataset.images, labels, names)
    html = page_of(type(found)(**vars(found) | {"said": said, "dataset": data}))
    assert "Confusion matrix of 30 classes." in {a["alt"] for a in Page(html).all("img")}


def test_a_run_without_a_model_or_with_other_images_is_told(run, images, tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        gather(RunRecord(tmp_path, {}, [], tmp_path / "model.safetensors"))
    other = Dataset(images.images, images.labels, ("a", "b", "c"))
    with pytest.raises(DataError, match="those of the classifier"):
        gather(run, other)


def test_a_run_that_went_astray_has_a_page_that_says_so(run, images, classifier, tmp_path):
    model = classifier.model.copy()
    model["fc"].weight.value[...] = np.nan
    path = tmp_path / "model.safetensors"
    replace(classifier, model=model).save(path)
    text = Page(run_page(replace(run, model_path=path), images)).text
    assert "The network's scores are not finite: no figures of a test set" in text


def test_a_run_without_epochs_and_settings_has_a_page(run):
    bare = RunRecord(run.path, {}, [], run.model_path)
    assert "No epoch is over yet." in Page(run_page(bare)).text


def test_images_that_are_read_when_they_are_asked_for_give_the_same_page(found, images, run):
    class Lazy:
        """What is asked of images that do not lie in memory."""

        shape, dtype = images.shape, images.dtype
        name, white, labels = images.name, images.white, images.labels
        class_names, n_classes = images.class_names, images.n_classes

        def __len__(self):
            return len(images)

        def read(self, indices):
            return images.images[indices]

    lazy = replace(gather(run, Lazy()), profile=found.profile)
    assert page_of(lazy) == page_of(found)


def test_an_empty_part_is_as_none(run, images):
    assert gather(run, images.subset([])).dataset is None


# --- several runs ------------------------------------------------------------------------


def test_compared_runs_have_the_figures_of_their_histories(run, other_run, compared):
    first, second = rows_of([run, other_run], {str(run.path): 0.625})
    best = next(r for r in reversed(run.history) if r.best)
    assert (first.best_epoch, first.n_epochs) == (best.epoch, 2)
    assert first.validation_accuracy == best.validation_accuracy
    assert first.seconds == sum(r.seconds for r in run.history)
    assert first.name == str(run.path) != second.name
    assert math.isnan(second.validation_accuracy)
    rows = cells(Page(compared), "runs", compared)
    assert rows[0][1:4] == [f"{best.epoch} of 2", plain(best.validation_accuracy), plain(0.625)]
    assert rows[1][1:4] == ["1 of 1", "–", "–"]


def test_only_settings_that_differ_are_shown(run, other_run):
    found = differing([run, other_run])
    assert found["seed"] == ["0", "1"]
    assert not {"model", "data", "began", "versions.numpy"} & set(found)
    assert next(v for k, v in found.items() if k.startswith("nested.")) == [
        "1, 2.5, two\\nlines",
        "-",
    ]
    alike = comparison_page([run, RunRecord(Path("b"), run.config, [], Path("b"))])
    assert "They do not differ." in Page(alike).text


def test_settings_are_one_line_each_whatever_they_hold():
    found = settings({"a": {"b": "two\nlines", "c": True}, "d": "x" * 999, "e": {}})
    assert found == {"a.b": "two\\nlines", "a.c": "yes", "d": "x" * 200}
    augment = [{"name": "random_shift", "pixels": 1, "fill": "zero"}, {"p": 0.5}, None]
    assert settings({"augment": augment}) == {
        "augment": "random_shift(pixels=1, fill=zero), p=0.5, -"
    }


def test_what_two_tables_name_alike_is_kept_apart_from_the_settings():
    config = {"seed": 1, "training": {"seed": 2, "lr": 0.5}, "record": {"lr": 9, "began": "now"}}
    assert settings(config) == {"seed": "1", "lr": "0.5", "began": "now"}


def test_a_run_that_is_given_twice_is_told(run):
    with pytest.raises(DataError, match="given twice"):
        rows_of([run, run])


# --- in a browser ------------------------------------------------------------------------


def test_a_browser_shows_the_pages_and_has_nothing_to_complain_of(browse, source, compared):
    for html in (source, compared):
        done = browse(html)
        assert "CONSOLE" not in done.stderr
        assert "</footer>" in done.stdout or "</main>" in done.stdout
    tried = browse(source.replace("</body>", "<script>document.title = 'mine'</script></body>"))
    assert "CONSOLE" in tried.stderr
    assert "<title>mine</title>" not in tried.stdout


def test_the_pages_fit_a_phone_and_a_desk_in_light_and_dark(fits_screens, source, compared):
    for html in (source, compared):
        fits_screens(html)
