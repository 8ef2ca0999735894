"""What can be tried before a long run: gradients, learning by heart, the learning rate."""

from __future__ import annotations

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import OptionError, TrainingError
from cnnpy.data import Dataset
from cnnpy.train import find_lr, preflight

from .conftest import corners, tiny_cnn


class Doubled(nn.ReLU):
    """Sends twice the gradient back."""

    def backward(self, dout, cache):
        return 2 * super().backward(dout, cache)

    def fused_step(self):
        return None


def network(middle: nn.Layer) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(8, 3), middle, nn.Dropout(0.2), nn.Flatten(), nn.Linear(4))


def test_a_right_network_passes_and_is_left_as_it_is():
    model = tiny_cnn()
    model.build((1, 8, 8), seed=3)
    before, chance = model.state_dict(), model[4].rng.bit_generator.state
    findings = preflight(model, corners(64, 0))
    assert [finding.passed for finding in findings] == [True, True]
    assert "32 images are learned by heart in" in findings[1].text
    assert all(np.array_equal(a, model.state_dict()[name]) for name, a in before.items())
    assert model[4].rng.bit_generator.state == chance
    assert all(p.decay_scale == 1 and p.grad is None for p in model.parameters())


def test_a_wrong_backward_pass_is_found():
    right, wrong = (preflight(network(m), corners(64, 0))[0] for m in (nn.ReLU(), Doubled()))
    assert right.passed
    assert not wrong.passed
    assert "gradients differ" in wrong.text


class Blind(nn.Layer):
    """Shows the same of every image."""

    def forward(self, x, *, train=False):
        return np.zeros_like(x), None

    def backward(self, dout, cache):
        return np.zeros_like(dout)


def test_a_network_that_passes_nothing_on_learns_nothing_by_heart():
    gradients, by_heart = preflight(network(Blind()), corners(64, 0))
    assert gradients.passed
    assert not by_heart.passed
    assert "32 images are not learned by heart: after 400 steps 8 are right" in by_heart.text


def test_fewer_images_than_are_tried_will_do():
    assert all(f.passed for f in preflight(tiny_cnn(), corners(5, 0)))


def test_the_rate_is_found_where_the_loss_falls_and_before_it_rises():
    model = cnnpy.models.small_cnn(10)
    found = find_lr(model, cnnpy.data.digits(), batch_size=32)
    lowest = int(np.argmin(found.losses))
    assert found.lrs[lowest] == found.lowest
    assert found.losses[lowest] < found.losses[0] / 2
    assert found.losses[-1] > found.losses[lowest]
    assert found.suggested == pytest.approx(found.lowest / 5, rel=0.5)
    assert np.all(np.diff(np.log(found.lrs)) > 0)
    assert not model.built


def test_the_same_seed_finds_the_same():
    first, again, other = (
        find_lr(tiny_cnn(), corners(96, 0), batch_size=16, seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.losses, again.losses)
    assert not np.array_equal(first.losses, other.losses)


def test_where_nothing_can_be_learned_no_rate_is_told():
    with pytest.raises(TrainingError, match="falls at no learning rate"):
        find_lr(network(Blind()), corners(64, 0), highest=1e-3)
    with pytest.raises(OptionError, match=r"highest=0\.001"):
        find_lr(tiny_cnn(), corners(64, 0), lowest=1e-5, highest=1e-6)


def test_images_of_one_class_are_tried_too():
    images = np.random.default_rng(0).integers(0, 255, (20, 1, 8, 8), dtype=np.uint8)
    one = Dataset(images, np.zeros(20, dtype=np.int64), ("only",))
    model = nn.Sequential(nn.Flatten(), nn.Linear(1))
    assert [finding.passed for finding in preflight(model, one)] == [True, True]


@pytest.mark.parametrize("options", [{"label_smoothing": 0.3}, {"class_weights": (1, 1, 1, 0)}])
def test_what_the_training_smooths_or_weighs_is_learned_by_heart_plainly(options):
    assert preflight(tiny_cnn(), corners(64, 0), **options)[1].passed
