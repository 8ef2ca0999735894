"""Classes with forward and backward, written in different ways, are built, filled and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import EFFORTS, check_path, run
from cnnpy.check.observe import Grade

SOURCE = (Path(__file__).parent / "classes_as_written.py").read_text()


def changed(old: str = "", new: str = "") -> dict[str, Any]:
    """Give the classes with one piece of their source changed."""
    assert not old or SOURCE.count(old) == 1
    names: dict[str, Any] = {"__name__": "changed"}
    exec(SOURCE.replace(old, new) if old else SOURCE, names)
    return {n: c for n, c in names.items() if isinstance(c, type) and c is not Any}


WRITTEN = changed()


def wrong(report: Any) -> dict[str, str | None]:
    return {c.function: c.name for c in report.conclusions if c.grade is Grade.WRONG}


def test_every_class_is_found_and_right_ones_get_no_finding_above_a_notice(profile: str) -> None:
    for seed in range(100 if profile == "slow" else 2):
        report = run(WRITTEN, effort=EFFORTS["quick"], seed=seed)
        assert {t.found.forward for t in report.trials} == {f"{n}.forward" for n in WRITTEN}
        assert wrong(report) == {}
        assert min(len(t.observations) for t in report.trials) >= 15


MISTAKES = {
    "dx[:, :, self.pad : self.pad + H, self.pad : self.pad + W]\n\n\nclass Conv2D": (
        "dx[:, :, self.pad : -self.pad, self.pad : -self.pad]\n\n\nclass Conv2D",
        # one is made of the other
        {
            "Convolution.backward": "conv2d_empties_dx_at_padding_0",
            "Conv2D.backward": "conv2d_empties_dx_at_padding_0",
        },
    ),
    "j * self.stride + m] += dout": (
        "j * self.stride + m] = dout",
        {"Pooling.backward": "max_pool2d_overwrites_where_windows_overlap"},
    ),
    "self.grads[1][...] = dout.sum(axis=0)": (
        "self.grads[1][...] = dout.mean(axis=0)",
        {"Affine.backward": "linear_averages_db"},
    ),
    "return dout * dx / len(dx)": (
        "return dout * dx",
        {"SoftmaxWithLoss.backward": "softmax_cross_entropy_forgets_n_in_backward"},
    ),
}


@pytest.mark.parametrize("old", MISTAKES)
def test_a_mistake_in_a_class_is_found_and_named(old: str) -> None:
    new, names = MISTAKES[old]
    assert wrong(run(changed(old, new), effort=EFFORTS["quick"])) == names


def test_a_class_of_another_name_is_found_where_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text(SOURCE.replace("class Affine", "class Mine"))
    options: Any = {"effort": EFFORTS["quick"], "ops": ("linear",)}
    found = [t.found.forward for t in check_path(path, **options).trials]
    assert found == ["Linear.forward"]
    report = check_path(path, also_called={"Affine": "Mine"}, **options)
    assert [t.found.forward for t in report.trials] == ["Mine.forward", "Linear.forward"]
    assert wrong(report) == {}


def test_the_classes_of_a_file_are_judged_behind_the_fence_as_they_are_here(
    tmp_path: Path,
) -> None:
    path = tmp_path / "layers.py"
    path.write_text(SOURCE)
    there = check_path(path, effort=EFFORTS["quick"])
    here = run(WRITTEN, effort=EFFORTS["quick"])
    said = [{(c.grade, c.function, c.title) for c in r.conclusions} for r in (there, here)]
    assert said[0] == said[1]


class Convolution:
    def __init__(self, W, b, colour):
        pass

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout


def test_a_constructor_with_an_unknown_word_is_told() -> None:
    report = run({"Convolution": Convolution}, effort=EFFORTS["quick"])
    (told,) = [c for c in report.conclusions if c.grade is Grade.WRONG]
    assert "Convolution(colour) takes what is not known here" in told.title + str(told.details)


def test_the_lines_of_a_case_run_as_they_stand(tmp_path: Path) -> None:
    from cnnpy.check.snippet import snippet

    old = "self.grads[1][...] = dout.sum(axis=0)"
    classes = changed(old, MISTAKES[old][0])
    report = run({"Affine": classes["Affine"]}, effort=EFFORTS["quick"])
    (trial,) = report.trials
    seen = trial.smallest["db"]
    lines = snippet(trial.found, seen).replace("from changed import Affine", "")
    names: dict[str, Any] = {"Affine": classes["Affine"]}
    exec(lines, names)
    np.testing.assert_array_equal(names["layer"].grads[1], seen.outcome.gradients["b"])


def test_a_class_whose_backward_breaks_is_taken_in_the_form_of_its_forward() -> None:
    class Affine:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, dout):
            self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
            return dout @ self.W

    report = run({"Affine": Affine}, effort=EFFORTS["quick"])
    assert set(wrong(report)) == {"Affine.backward"}
    assert "linear_transposes_dw" not in wrong(report).values()


class SoftmaxWithLoss:
    """Its backward has no default for the gradient of the loss."""

    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), t
        logs = x - x.max(axis=1, keepdims=True) - np.log(e.sum(axis=1, keepdims=True))
        return -logs[np.arange(len(x)), t].mean()

    def backward(self, dout):
        dx = self.p.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dout * dx / len(dx)


def test_a_loss_is_sent_a_gradient_where_it_asks_for_one() -> None:
    report = run({"SoftmaxWithLoss": SoftmaxWithLoss}, effort=EFFORTS["quick"])
    assert wrong(report) == {}
    assert len(report.trials[0].observations) > 15


class ReLU:
    """Its backward writes into what forward was given."""

    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dout):
        mask = self.x > 0
        self.x[~mask] = 0
        return dout * mask


def test_an_input_that_backward_writes_to_is_told() -> None:
    report = run({"ReLU": ReLU}, effort=EFFORTS["quick"])
    assert "relu_writes_into_x" in {c.name for c in report.conclusions}
