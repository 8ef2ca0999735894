"""Solver: its draws, its histories, its checkpoints, and that nets learn."""

import re

import numpy as np
import pytest

from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.cs231n import optim
from cnnpy.cs231n.classifiers.cnn import ThreeLayerConvNet
from cnnpy.cs231n.classifiers.fc_net import FullyConnectedNet
from cnnpy.cs231n.solver import Solver


class Recorder:
    """A model that notes which images it is given; image n is the number n."""

    def __init__(self):
        self.params = {"w": np.zeros(1)}
        self.seen = []

    def loss(self, X, y=None):
        self.seen.append(X[:, 0].astype(int).tolist())
        if y is None:
            return np.stack([X[:, 0] % 2 == 0, X[:, 0] % 2 == 1], axis=1)
        return 1.0, {"w": np.ones(1)}


def numbered(N, start=0):
    X = np.arange(start, start + N, dtype=float)[:, np.newaxis]
    return X, X[:, 0].astype(int) % 2


def clusters(rng, N=60, D=12, C=3):
    y = rng.integers(C, size=N)
    return 3 * np.eye(C, D)[y] + rng.normal(size=(N, D)), y


def data_of(X, y, X_val=None, y_val=None):
    X_val, y_val = (X, y) if X_val is None else (X_val, y_val)
    return {"y_val": y_val, "X_val": X_val, "y_train": y, "X_train": X}


def test_draws_come_from_np_random_in_the_order_of_the_course():
    X, y = numbered(25)
    X_val, y_val = numbered(12, start=100)
    model = Recorder()
    solver = Solver(
        model,
        data_of(X, y, X_val, y_val),
        batch_size=10,
        num_epochs=2,
        num_train_samples=5,
        num_val_samples=7,
        verbose=False,
    )
    np.random.seed(42)
    solver.train()

    np.random.seed(42)
    expected = []
    for iteration in range(4):  # 25 // 10 = 2 an epoch
        expected.append(np.random.choice(25, 10).tolist())
        if iteration in (0, 1, 3):  # the first, and the end of each epoch
            expected.append(np.random.choice(25, 5).tolist())
            expected.append((100 + np.random.choice(12, 7)).tolist())
    assert model.seen == expected
    assert solver.epoch == 2
    assert solver.loss_history == [1.0] * 4
    assert solver.train_acc_history == [1.0] * 3
    assert solver.val_acc_history == [1.0] * 3


def test_nothing_is_drawn_where_all_images_are_measured():
    X, y = numbered(250)
    solver = Solver(Recorder(), data_of(X, y), verbose=False)
    np.random.seed(0)
    assert solver.check_accuracy(X, 1 - y) == 0
    assert solver.check_accuracy(X, y, num_samples=250) == 1
    drawn = np.random.rand()
    np.random.seed(0)
    assert drawn == np.random.rand()
    assert [len(batch) for batch in solver.model.seen[:3]] == [100, 100, 50]


def test_the_learning_rate_decays_after_each_epoch_and_each_parameter_has_its_own():
    X, y = numbered(4)
    given = {"learning_rate": 0.5}
    solver = Solver(
        Recorder(),
        data_of(X, y),
        batch_size=2,
        num_epochs=3,
        optim_config=given,
        lr_decay=0.1,
        update_rule="sgd",
        verbose=False,
    )
    solver.train()
    assert solver.optim_configs["w"]["learning_rate"] == pytest.approx(0.5e-3)
    assert given == {"learning_rate": 0.5}
    assert solver.update_rule is optim.sgd
    # the first accuracy is the best, and later ones are not above it
    assert solver.model.params["w"].tolist() == [-0.5]
    assert solver.model.params is solver.best_params
    assert solver.best_val_acc == 1


def test_a_model_that_never_hits_keeps_its_parameters():
    X, y = numbered(4)
    solver = Solver(Recorder(), data_of(X, y, X, 1 - y), batch_size=4, num_epochs=1, verbose=False)
    solver.train()
    assert solver.best_val_acc == 0
    assert solver.model.params["w"].tolist() == [-0.01]


def test_what_is_printed(capsys):
    X, y = numbered(4)
    Solver(Recorder(), data_of(X, y), batch_size=2, num_epochs=1, print_every=1).train()
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "(Iteration 1 / 2) loss: 1.000000",
        "(Epoch 0 / 1) train acc: 1.000000; val_acc: 1.000000",
        "(Iteration 2 / 2) loss: 1.000000",
        "(Epoch 1 / 1) train acc: 1.000000; val_acc: 1.000000",
    ]
    Solver(Recorder(), data_of(X, y), batch_size=2, num_epochs=1, verbose=False).train()
    assert capsys.readouterr().out == ""


def test_no_epoch_is_no_training():
    X, y = numbered(4)
    solver = Solver(Recorder(), data_of(X, y), num_epochs=0)
    solver.train()
    assert solver.loss_history == []
    assert solver.model.params["w"].tolist() == [0]


# --- learning --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "rate"), [("sgd", 0.2), ("sgd_momentum", 0.05), ("rmsprop", 0.01), ("adam", 0.02)]
)
@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_a_fully_connected_net_overfits_a_few_images(rule, rate, normalization):
    np.random.seed(1)
    X, y = clusters(np.random.default_rng(1))
    model = FullyConnectedNet(
        [20, 20], input_dim=12, num_classes=3, weight_scale=0.1, normalization=normalization
    )
    solver = Solver(
        model,
        data_of(X, y),
        update_rule=rule,
        optim_config={"learning_rate": rate},
        batch_size=20,
        num_epochs=25,
        verbose=False,
    )
    solver.train()
    assert solver.best_val_acc > 0.95
    assert solver.check_accuracy(X, y) == solver.best_val_acc or normalization == "batchnorm"
    assert np.mean(solver.loss_history[-5:]) < 0.3 * solver.loss_history[0]
    assert model.params["W1"].dtype == np.float32


def test_dropout_holds_a_net_back_from_its_training_images():
    X, y = clusters(np.random.default_rng(2), N=40)
    y = np.random.default_rng(3).permutation(y)  # nothing to learn but by heart
    accuracies = []
    for keep in (1, 0.25):
        np.random.seed(2)
        model = FullyConnectedNet(
            [50], input_dim=12, num_classes=3, weight_scale=0.1, dropout_keep_ratio=keep
        )
        solver = Solver(
            model,
            data_of(X, y),
            update_rule="adam",
            optim_config={"learning_rate": 0.01},
            batch_size=20,
            num_epochs=40,
            verbose=False,
        )
        solver.train()
        accuracies.append(solver.train_acc_history[-1])
    assert accuracies[0] > accuracies[1] + 0.05
    assert accuracies[0] > 0.95


def test_a_convolutional_net_overfits_a_few_images():
    np.random.seed(3)
    y = np.arange(40) % 4
    X = np.random.randn(40, 3, 8, 8)
    X[np.arange(40), :, y] += 4  # a bright row for each class
    model = ThreeLayerConvNet(
        input_dim=(3, 8, 8), num_filters=4, filter_size=3, hidden_dim=16, weight_scale=1e-2
    )
    solver = Solver(
        model,
        data_of(X, y),
        update_rule="adam",
        optim_config={"learning_rate": 5e-3},
        batch_size=20,
        num_epochs=25,
        verbose=False,
    )
    solver.train()
    assert solver.check_accuracy(X, y) > 0.95
    assert solver.loss_history[0] == pytest.approx(np.log(10), rel=0.05)


def test_a_seed_gives_one_run():
    losses = []
    for _ in range(2):
        np.random.seed(5)
        X, y = clusters(np.random.default_rng(5))
        model = FullyConnectedNet(
            [8], input_dim=12, num_classes=3, dropout_keep_ratio=0.5, normalization="batchnorm"
        )
        solver = Solver(model, data_of(X, y), batch_size=20, num_epochs=2, verbose=False)
        solver.train()
        losses.append(solver.loss_history)
    assert losses[0] == losses[1]


# --- checkpoints -----------------------------------------------------------------


def test_checkpoints_are_npz_without_a_pickle(tmp_path, capsys):
    np.random.seed(6)
    X, y = clusters(np.random.default_rng(6))
    model = FullyConnectedNet([8], input_dim=12, num_classes=3, normalization="batchnorm")
    solver = Solver(
        model,
        data_of(X, y),
        batch_size=30,
        num_epochs=2,
        update_rule="sgd_momentum",
        optim_config={"learning_rate": 0.125},
        lr_decay=0.5,
        checkpoint_name=str(tmp_path / "net"),
    )
    solver.train()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"net_epoch_{epoch}.npz" for epoch in range(3)]
    assert len(re.findall("Saving checkpoint to", capsys.readouterr().out)) == 3
    with np.load(tmp_path / "net_epoch_2.npz", allow_pickle=False) as saved:
        content = dict(saved)
    assert content["params/W1"].shape == (12, 8)
    np.testing.assert_array_equal(
        content["bn_params/0/running_var"], model.bn_params[0]["running_var"]
    )
    assert content["update_rule"] == "sgd_momentum"
    assert content["optim_config/learning_rate"] == 0.125
    assert (content["epoch"], content["lr_decay"], content["batch_size"]) == (2, 0.5, 30)
    assert content["num_train_samples"] == 1000
    assert "num_val_samples" not in content
    np.testing.assert_array_equal(content["loss_history"], solver.loss_history)
    np.testing.assert_array_equal(content["val_acc_history"], solver.val_acc_history)


def test_a_checkpoint_that_cannot_be_written_leaves_no_half_file(tmp_path):
    X, y = numbered(4)
    model = Recorder()
    solver = Solver(
        model,
        data_of(X, y),
        checkpoint_name=tmp_path / "net",
        optim_config={"learning_rate": 0.1, "further": object()},
        verbose=False,
    )
    with pytest.raises(OptionError, match="optim_config/further is a object"):
        solver.train()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "net_epoch_1.npz").mkdir()
    solver.optim_config = {}
    with pytest.raises(OSError, match="net_epoch_1"):
        solver._save_checkpoint()
    assert [path.name for path in tmp_path.iterdir()] == ["net_epoch_1.npz"]


# --- errors ----------------------------------------------------------------------

X4, Y4 = numbered(4)


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        (
            data_of(X4, Y4),
            {"learning_rate": 1.0},
            OptionError,
            "Solver: unknown settings 'learning_rate'\n",
        ),
        (
            data_of(X4, Y4),
            {"update_rule": "momentum"},
            OptionError,
            "to mend:  use update_rule='sgd_momentum'",
        ),
        (data_of(X4, Y4), {"update_rule": "_filled"}, OptionError, "update_rule='_filled'"),
        (data_of(X4, Y4), {"batch_size": 0}, OptionError, "use batch_size=1"),
        (data_of(X4, Y4), {"num_val_samples": 2.5}, OptionError, "num_val_samples=2.5"),
        (
            data_of(X4, Y4),
            {"checkpoint_name": "no/such/folder/net"},
            OptionError,
            "make the folder first: os.makedirs('no/such/folder')",
        ),
        (
            {"X_train": X4, "y_train": Y4, "X_validation": X4, "y_val": Y4},
            {},
            OptionError,
            "rename 'X_validation' to 'X_val'",
        ),
        (data_of(X4, Y4[:3]), {}, ShapeError, "X_train has 4 images; y_train has 3 labels"),
        (data_of(X4[:0], Y4[:0]), {}, DataError, "X_train has no image"),
    ],
)
def test_wrong_settings_are_named(data, options, error, text):
    with pytest.raises(error) as caught:
        Solver(Recorder(), data, **options)
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3
