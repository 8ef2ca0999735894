"""The summary's figures, against counts made by hand."""

from __future__ import annotations

import numpy as np

from cnnpy import models, nn


def test_lenet5_has_the_published_number_of_parameters():
    # 6·(25+1) + 16·(6·25+1) + 120·(400+1) + 84·(120+1) + 10·(84+1)
    assert models.lenet5().summary((1, 28, 28)).n_parameters == 61_706


def test_resnet20_has_the_published_number_of_parameters_and_multiplications():
    summary = models.resnet20().summary((3, 32, 32))
    # 0.27 M parameters (He et al. 2015, table 6), of which 2,752 in the two 1x1 shortcuts
    # with their norms
    assert summary.n_parameters == 272_474
    # 41 M multiply-adds
    assert 81e6 < summary.flops < 84e6


def test_resnet18_has_the_published_number_of_parameters_and_multiplications():
    summary = models.resnet18().summary((3, 224, 224))
    # torchvision's, with 1x1 shortcuts
    assert summary.n_parameters == 11_689_512
    # 1.8 G multiply-adds (He et al. 2015, table 1)
    assert 3.6e9 < summary.flops < 3.7e9


def test_mobilenet_v2_has_the_published_number_of_parameters_and_multiplications():
    summary = models.mobilenet_v2().summary((3, 224, 224))
    # torchvision's; 3.4 M and 300 M multiply-adds (Sandler et al. 2018, table 4)
    assert summary.n_parameters == 3_504_872
    convolutions = [row.flops for row in summary.rows if row.layer.startswith(("Conv", "Linear"))]
    assert 2 * 299e6 < sum(convolutions) < 2 * 302e6
    # of half the width, torchvision's
    assert models.mobilenet_v2(width=0.5).summary((3, 224, 224)).n_parameters == 1_968_680


def test_flops_of_a_convolution_count_two_for_each_tap_and_one_for_the_bias():
    row = nn.Sequential(nn.Conv2d(4, 3, padding=1)).summary((2, 5, 5)).rows[0]
    assert row.flops == 4 * 5 * 5 * (2 * 2 * 9 + 1)
    assert row.activation_bytes == 4 * 5 * 5 * 4
    assert row.output_shape == (4, 5, 5)


def test_activation_memory_follows_the_dtype():
    model = nn.Sequential(nn.Linear(8))
    model.build((4,), dtype=np.float64)
    assert model.summary().activation_bytes == 8 * 8


def test_a_residual_lists_its_addition():
    block = nn.Residual(nn.Conv2d(2, 1), activation=nn.ReLU())
    names = [row.name for row in block.summary((2, 4, 4)).rows]
    assert names == ["body", "add", "activation"]
    assert block.flops((2, 4, 4)) == 32 * 5 + 32 + 32


def test_the_summary_of_a_subnetwork_counts_what_the_whole_does():
    model = models.resnet20()
    summary = model.summary((3, 32, 32))
    assert summary.flops == model.flops((3, 32, 32))
    assert summary.n_parameters == sum(row.n_parameters for row in summary.rows)
