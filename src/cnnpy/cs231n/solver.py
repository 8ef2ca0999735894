"""The course's training loop: Solver."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.contract.options import integer
from cnnpy.cs231n import optim
from cnnpy.cs231n.parameters import entry

__all__ = ["Solver"]

Array = NDArray[Any]

_DEFAULTS: dict[str, Any] = {
    "update_rule": "sgd",
    "optim_config": {},
    "lr_decay": 1.0,
    "batch_size": 100,
    "num_epochs": 10,
    "num_train_samples": 1000,
    "num_val_samples": None,
    "checkpoint_name": None,
    "print_every": 10,
    "verbose": True,
}


class Solver:
    """Train a model by minibatches, and keep its best parameters.

    The model has a dictionary ``params`` of arrays by name, and a method ``loss``:
    ``loss(X)`` returns scores of shape (N, C), ``loss(X, y)`` the loss and a dictionary
    of gradients with the names of ``params``.

    Minibatches and the samples that accuracy is measured on are drawn with
    ``np.random.choice``, in the course's order.

    Parameters
    ----------
    model : object
        The model; its parameters are replaced as training goes on.
    data : dict
        ``"X_train"``, ``"y_train"``, ``"X_val"``, ``"y_val"``: images and labels.
    **kwargs : object
        ``update_rule`` ("sgd"): a name in :mod:`cnnpy.cs231n.optim`.
        ``optim_config`` ({}): its settings, "learning_rate" among them.
        ``lr_decay`` (1.0): what the learning rate is multiplied with after each epoch.
        ``batch_size`` (100), ``num_epochs`` (10).
        ``num_train_samples`` (1000), ``num_val_samples`` (None): how many images
        accuracy is measured on; None for all.
        ``checkpoint_name`` (None): where not None, the file
        ``<checkpoint_name>_epoch_<epoch>.npz`` is written with each measurement.
        ``print_every`` (10): iterations from one printed loss to the next.
        ``verbose`` (True): whether to print.

    Attributes
    ----------
    loss_history : list of float
        The loss of each iteration.
    train_acc_history, val_acc_history : list of float
        Accuracies after the first iteration and after each epoch.
    best_params : dict of ndarray
        Parameters with the best accuracy on the validation images.
    best_val_acc : float
        That accuracy.
    epoch : int
        Epochs done.
    optim_configs : dict of dict
        For each parameter, what its update rule remembers.

    Raises
    ------
    OptionError
        Where a setting is unknown or out of its range, or data lacks a key.
    ShapeError
        Where images and labels differ in number.
    DataError
        Where there is nothing to train with.

    Examples
    --------
    >>> from cnnpy.cs231n.classifiers.fc_net import TwoLayerNet
    >>> np.random.seed(0)
    >>> X, y = np.random.randn(20, 6), np.arange(20) % 2
    >>> X[:, 0] += 4 * y
    >>> model = TwoLayerNet(input_dim=6, hidden_dim=8, num_classes=2, weight_scale=0.1)
    >>> data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    >>> solver = Solver(
    ...     model, data, optim_config={"learning_rate": 0.5}, batch_size=10, verbose=False
    ... )
    >>> solver.train()
    >>> len(solver.loss_history), bool(solver.best_val_acc > 0.9)
    (20, True)
    """

    epoch: int
    best_val_acc: Any
    best_params: dict[str, Array]
    loss_history: list[Any]
    train_acc_history: list[Any]
    val_acc_history: list[Any]
    optim_configs: dict[str, dict[str, Any]]

    def __init__(self, model: Any, data: Mapping[str, Array], **kwargs: Any) -> None:
        self.model = model
        self.X_train, self.y_train = _pair(data, "train")
        self.X_val, self.y_val = _pair(data, "val")

        unknown = [name for name in kwargs if name not in _DEFAULTS]
        if unknown:
            raise OptionError(
                f"Solver: unknown settings {', '.join(map(repr, unknown))}",
                f"settings among {', '.join(_DEFAULTS)}",
                f"leave out {unknown[0]}=",
            )
        settings = _DEFAULTS | kwargs
        self.update_rule = _rule(settings["update_rule"])
        self.optim_config: dict[str, Any] = settings["optim_config"]
        self.lr_decay = settings["lr_decay"]
        self.batch_size = integer(1)("Solver", "batch_size", settings["batch_size"])
        self.num_epochs = integer(0)("Solver", "num_epochs", settings["num_epochs"])
        self.num_train_samples = _count("num_train_samples", settings["num_train_samples"])
        self.num_val_samples = _count("num_val_samples", settings["num_val_samples"])
        self.checkpoint_name = settings["checkpoint_name"]
        self.print_every = integer(1)("Solver", "print_every", settings["print_every"])
        self.verbose = settings["verbose"]
        if self.checkpoint_name is not None:
            _demand_folder(self.checkpoint_name)
        self._reset()

    def _reset(self) -> None:
        """Forget all training but the parameters themselves."""
        self.epoch = 0
        self.best_val_acc = 0
        self.best_params = {}
        self.loss_history = []
        self.train_acc_history = []
        self.val_acc_history = []
        self.optim_configs = {name: dict(self.optim_config) for name in self.model.params}

    def _step(self) -> None:
        """Draw a minibatch and update every parameter once."""
        chosen = np.random.choice(len(self.X_train), self.batch_size)
        loss, gradients = self.model.loss(self.X_train[chosen], self.y_train[chosen])
        self.loss_history.append(loss)
        for name, w in list(self.model.params.items()):
            next_w, config = self.update_rule(w, gradients[name], self.optim_configs[name])
            self.model.params[name] = next_w
            self.optim_configs[name] = config

    def _save_checkpoint(self) -> None:
        """Write parameters and histories as one .npz file, where a name was given.

        Its keys: ``params/<name>``; ``bn_params/<layer>/running_mean`` and
        ``running_var``, where the model has them; ``optim_config/<name>``; and the
        settings and histories under their own names, those that are None left out.
        ``np.load`` reads it, without any pickle.
        """
        if self.checkpoint_name is None:
            return
        content = {f"params/{name}": w for name, w in self.model.params.items()}
        for layer, bn_param in enumerate(getattr(self.model, "bn_params", [])):
            for key in ("running_mean", "running_var"):
                if key in bn_param:
                    content[f"bn_params/{layer}/{key}"] = bn_param[key]
        content |= {f"optim_config/{key}": value for key, value in self.optim_config.items()}
        content |= {"update_rule": self.update_rule.__name__}
        for name in ("lr_decay", "batch_size", "num_train_samples", "num_val_samples", "epoch"):
            content[name] = getattr(self, name)
        for name in ("loss_history", "train_acc_history", "val_acc_history"):
            content[name] = getattr(self, name)
        path = Path(f"{self.checkpoint_name}_epoch_{self.epoch}.npz")
        if self.verbose:
            print(f'Saving checkpoint to "{path}"')
        _write_npz(path, {name: value for name, value in content.items() if value is not None})

    def check_accuracy(
        self, X: Array, y: Array, num_samples: int | None = None, batch_size: int = 100
    ) -> Any:
        """Measure the share of images that the model puts into their class.

        Parameters
        ----------
        X : ndarray of shape (N, d_1, ..., d_k)
            Images.
        y : ndarray of shape (N,)
            Labels.
        num_samples : int, optional
            How many to draw and measure on, where there are more.
        batch_size : int
            How many the model gets at a time.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        DataError
            Where there is no image.
        """
        N = len(X)
        if N == 0:
            raise DataError(
                f"check_accuracy: X has shape {X.shape}",
                "at least one image",
                "give images, or leave the measurement out",
            )
        if num_samples is not None and N > num_samples:
            chosen = np.random.choice(N, num_samples)
            X, y, N = X[chosen], y[chosen], num_samples
        classes = [
            np.argmax(self.model.loss(X[start : start + batch_size]), axis=1)
            for start in range(0, N, batch_size)
        ]
        return np.mean(np.concatenate(classes) == y)

    def train(self) -> None:
        """Train for all epochs, then put the best parameters into the model.

        Where no accuracy above 0 was ever met, the model keeps its last parameters.
        """
        iterations_an_epoch = max(len(self.X_train) // self.batch_size, 1)
        iterations = self.num_epochs * iterations_an_epoch
        for t in range(iterations):
            self._step()
            if self.verbose and t % self.print_every == 0:
                print(f"(Iteration {t + 1} / {iterations}) loss: {self.loss_history[-1]:f}")
            at_end = (t + 1) % iterations_an_epoch == 0
            if at_end:
                self.epoch += 1
                for config in self.optim_configs.values():
                    config["learning_rate"] *= self.lr_decay
            if t == 0 or at_end:
                self._measure()
        if self.best_params:
            self.model.params = self.best_params

    def _measure(self) -> None:
        """Measure both accuracies, write a checkpoint, and keep what is best."""
        train = self.check_accuracy(self.X_train, self.y_train, num_samples=self.num_train_samples)
        val = self.check_accuracy(self.X_val, self.y_val, num_samples=self.num_val_samples)
        self.train_acc_history.append(train)
        self.val_acc_history.append(val)
        self._save_checkpoint()
        if self.verbose:
            epochs = f"(Epoch {self.epoch} / {self.num_epochs})"
            print(f"{epochs} train acc: {train:f}; val_acc: {val:f}")
        if val > self.best_val_acc:
            self.best_val_acc = val
            self.best_params = {name: w.copy() for name, w in self.model.params.items()}


def _pair(data: Mapping[str, Array], part: str) -> tuple[Array, Array]:
    X, y = (entry("Solver", "data", data, f"{letter}_{part}") for letter in "Xy")
    if len(X) != len(y):
        raise ShapeError(
            f"Solver: X_{part} has {len(X)} images; y_{part} has {len(y)} labels",
            "one label for each image",
            f"cut both to {min(len(X), len(y))}, or load them again",
        )
    if len(X) == 0:
        raise DataError(
            f"Solver: X_{part} has no image", "at least one", f"give data['X_{part}'] images"
        )
    return X, y


def _rule(name: object) -> Any:
    found = getattr(optim, name, None) if isinstance(name, str) else None
    if not inspect.isfunction(found) or str(name).startswith("_"):
        import difflib

        near = difflib.get_close_matches(str(name), optim.__all__, n=1, cutoff=0.0)[0]
        raise OptionError(
            f"Solver: update_rule={name!r}",
            f"the name of a function in cnnpy.cs231n.optim: {', '.join(optim.__all__)}",
            f"use update_rule={near!r}",
        )
    return found


def _count(name: str, value: object) -> int | None:
    return None if value is None else integer(1)("Solver", name, value)


def _demand_folder(checkpoint_name: str) -> None:
    folder = Path(checkpoint_name).parent
    if not folder.is_dir():
        raise OptionError(
            f"Solver: checkpoint_name={os.fspath(checkpoint_name)!r}",
            "a name in a folder that is there",
            f"make the folder first: os.makedirs({os.fspath(folder)!r})",
        )


def _write_npz(path: Path, content: Mapping[str, Any]) -> None:
    """Write beside the place and move there, so that no half file is ever seen."""
    arrays = {name: np.asarray(value) for name, value in content.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise OptionError(
                f"Solver: the checkpoint's {name} is a {type(content[name]).__name__}",
                "numbers, text or arrays of them: a checkpoint holds no pickle",
                f"leave out {name.rpartition('/')[2]!r}, or checkpoint_name=",
            )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
