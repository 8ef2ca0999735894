"""A recipe from its first step to its accuracy on the test images, beside the same in PyTorch.

Both train the same network from the same first weights, with the same optimizer, schedule, loss,
decay, average of weights and augmentation, on the same split, and keep the epoch with the best
validation accuracy. PyTorch runs in whichever of its forms takes a step soonest.

    python benchmarks/recipe.py fashion-mnist
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from machine import describe
from suite import RESULTS, Report, threads_environment
from timing import OURS

THEIRS = "PyTorch"
_PROBED = 12
"""Steps by which PyTorch's forms are told apart."""

_UNDERSTOOD = {
    *("epochs", "batch_size", "optimizer", "lr", "weight_decay", "decay_all", "schedule"),
    *("warmup_epochs", "label_smoothing", "clip_norm", "ema_decay", "augment", "seed"),
}
"""The settings that both sides follow; a recipe with others is not compared."""


class Epoch(NamedTuple):
    """What an epoch came to: the clock since the first step, its own steps' seconds, its result."""

    n: int
    seconds: float
    steps_s: float
    loss: float
    accuracy: float


class Outcome(NamedTuple):
    """What a training came to; `n_batches` are an epoch's."""

    epochs: list[Epoch]
    n_batches: int
    test_accuracy: float
    note: str

    @property
    def batches_per_s(self) -> float:
        """Of the median epoch, so that compiling once does not count."""
        return self.n_batches / float(np.median([epoch.steps_s for epoch in self.epochs]))


def _plan(options: argparse.Namespace):
    """Return the settings, the data and the network, built."""
    from cnnpy import data, models
    from cnnpy.train.run_settings import recipe

    settings = recipe(options.name)
    training = settings.training
    left_out = sorted(set(training.to_dict()) - _UNDERSTOOD)
    if left_out or training.optimizer not in ("sgd", "adamw"):
        named = ", ".join(left_out) or training.optimizer
        raise SystemExit(
            f"the twin in PyTorch does not know {named}, which {options.name} asks for"
        )
    asked = {key: getattr(options, key) for key in ("epochs", "seed")}
    training = training.with_options(**{k: v for k, v in asked.items() if v is not None})
    splits = data.load(settings.data, seed=training.seed, lazy=False)
    return training, splits, models.make_model(settings.model, splits.train.n_classes)


def ours(options: argparse.Namespace) -> Outcome:
    """Train with cnnpy."""
    import ours as engine
    from cnnpy.train import Callback, fit

    engine.demand_the_engine()
    training, splits, model = _plan(options)
    told: list[Epoch] = []

    class Follow(Callback):
        def on_epoch(self, report, classifier):
            told.append(
                Epoch(
                    report.epoch,
                    time.perf_counter() - began,
                    len(splits.train) / report.images_per_s,
                    report.train_loss,
                    report.validation_accuracy,
                )
            )
            print(f"{OURS}: {told[-1]}", file=sys.stderr, flush=True)

    began = time.perf_counter()
    classifier = fit(model, splits.train, splits.validation, training, callbacks=[Follow()])
    n_batches = -(-len(splits.train) // training.batch_size)
    test = classifier.evaluate(splits.test).accuracy
    return Outcome(told, n_batches, test, f"engine, {training!r}")


# --- the same in PyTorch ------------------------------------------------------------------


def theirs(options: argparse.Namespace) -> Outcome:
    """Train with PyTorch."""
    import torch

    import twins
    from cnnpy.data import Preprocessing
    from cnnpy.optim import SCHEDULES

    torch.set_num_threads(options.threads)
    training, splits, model = _plan(options)
    preprocessing = Preprocessing.fit(splits.train)
    chances = np.random.SeedSequence(training.seed).spawn(2)
    model.build(splits.train.shape, seed=np.random.default_rng(chances[0]))
    form = _quickest(model, splits, preprocessing, training)
    twin = twins.twin_of(model)
    net, _ = twins.in_form(twin, torch.zeros((1, *splits.train.shape)), form)
    batches = _Batches(splits.train, preprocessing, training, form)
    stepper = _optimizer(twin, training)
    n = len(batches)
    schedule = SCHEDULES[training.schedule](
        training.highest_lr, training.epochs * n, warmup_steps=round(training.warmup_epochs * n)
    )
    average = _Average(twin, training.ema_decay)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=training.label_smoothing)
    told, best, step = [], (-1.0, None), 0
    began = time.perf_counter()
    for epoch in range(1, training.epochs + 1):
        twin.train()
        total, started = 0.0, time.perf_counter()
        for x, y in batches:
            for group in stepper.param_groups:
                group["lr"] = schedule(step)
            loss = loss_of(net(x), y)
            stepper.zero_grad(set_to_none=True)
            loss.backward()
            if training.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(twin.parameters(), training.clip_norm)
            stepper.step()
            average.add()
            total += loss.item() * len(y)
            step += 1
        steps_s = time.perf_counter() - started
        with average.in_place():
            accuracy = _accuracy(twin, splits.validation, preprocessing, form)
            if accuracy > best[0]:
                best = accuracy, {k: v.clone() for k, v in twin.state_dict().items()}
        seconds = time.perf_counter() - began
        told.append(Epoch(epoch, seconds, steps_s, total / len(splits.train), accuracy))
        print(f"{THEIRS}: {told[-1]}", file=sys.stderr, flush=True)
    twin.load_state_dict(best[1])
    test = _accuracy(twin, splits.test, preprocessing, form)
    return Outcome(told, n, test, f"PyTorch {form}")


def _optimizer(twin, training):
    import torch

    decay = training.weight_decay
    if decay is None:
        decay = 0.01 if training.optimizer == "adamw" else 0.0
    groups = [
        {"params": [p for p in twin.parameters() if p.ndim > 1], "weight_decay": decay},
        {
            "params": [p for p in twin.parameters() if p.ndim <= 1],
            "weight_decay": decay if training.decay_all else 0.0,
        },
    ]
    if training.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=training.highest_lr, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=training.highest_lr)


class _Average:
    """The exponential average of a network, or nothing."""

    def __init__(self, twin, decay: float | None) -> None:
        self.twin, self.decay, self.n = twin, decay, 0
        self.state = {k: v.clone() for k, v in twin.state_dict().items()}

    def add(self) -> None:
        if self.decay is None:
            return
        import torch

        keep = min(self.decay, (1 + self.n) / (10 + self.n))
        state = self.twin.state_dict()
        means = [k for k, v in state.items() if v.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_(
                [self.state[k] for k in means], [state[k] for k in means], 1 - keep
            )
        self.n += 1

    def in_place(self):
        import contextlib

        @contextlib.contextmanager
        def swapped() -> Iterator[None]:
            own = {k: v.clone() for k, v in self.twin.state_dict().items()}
            if self.decay is not None:
                self.twin.load_state_dict(self.state)
            yield
            self.twin.load_state_dict(own)

        return swapped()


class _Batches:
    """The training images in a new order each epoch, shifted, mirrored and covered by torch."""

    def __init__(self, train, preprocessing, training, form: str) -> None:
        import torch

        from cnnpy.data.augment import Cutout, RandomCrop, RandomFlip, RandomShift
        from cnnpy.data.augment.chain import parts_of

        self.x = torch.from_numpy(preprocessing.apply(train.images))
        self.y = torch.from_numpy(train.labels.astype(np.int64))
        black = preprocessing.apply(np.zeros((1, *train.shape), train.images.dtype))
        self.black = torch.from_numpy(np.ascontiguousarray(black[0, :, :1, :1]))
        self.size, self.form = training.batch_size, form
        self.chance = torch.Generator().manual_seed(training.seed)
        changes = {
            RandomShift: self._crop,
            RandomCrop: self._crop,
            RandomFlip: self._flip,
            Cutout: self._cut,
        }
        self.changes = [
            functools.partial(changes[type(part)], part=part) for part in parts_of(training.augment)
        ]

    def __len__(self) -> int:
        return -(-len(self.x) // self.size)

    def __iter__(self):
        import torch

        import twins

        order = torch.randperm(len(self.x), generator=self.chance)
        for chosen in order.split(self.size):
            x = self.x[chosen]
            for change in self.changes:
                x = change(x)
            yield twins.in_layout(x, self.form), self.y[chosen]

    def _draw(self, high: int, n: int):
        import torch

        return torch.randint(high, (n,), generator=self.chance)

    def _crop(self, x, part):
        import torch

        N, C, H, W = x.shape
        p = part.pixels if hasattr(part, "pixels") else part.padding
        padded = self.black.expand(N, C, H + 2 * p, W + 2 * p).clone()
        padded[:, :, p : p + H, p : p + W] = x
        rows = self._draw(2 * p + 1, N)[:, None] + torch.arange(H)
        columns = self._draw(2 * p + 1, N)[:, None] + torch.arange(W)
        n, c = torch.arange(N)[:, None, None, None], torch.arange(C)[None, :, None, None]
        return padded[n, c, rows[:, None, :, None], columns[:, None, None, :]]

    def _flip(self, x, part):
        import torch

        which = torch.rand(len(x), generator=self.chance) < part.p
        return torch.where(which[:, None, None, None], x.flip(3), x)

    def _cut(self, x, part):
        import torch

        N, _, H, W = x.shape
        h, w = part.size if isinstance(part.size, tuple) else (part.size, part.size)
        top, left = (self._draw(side, N)[:, None] for side in (H, W))
        rows, columns = torch.arange(H)[None], torch.arange(W)[None]
        inside_rows = (rows >= top - h // 2) & (rows < top - h // 2 + h)
        inside_columns = (columns >= left - w // 2) & (columns < left - w // 2 + w)
        covered = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
        return torch.where(covered, self.black, x)


def _accuracy(twin, dataset, preprocessing, form: str) -> float:
    import torch

    import twins

    twin.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(dataset), 256):
            x = torch.from_numpy(preprocessing.apply(dataset.images[start : start + 256]))
            predicted = twin(twins.in_layout(x, form)).argmax(1).numpy()
            right += int((predicted == dataset.labels[start : start + 256]).sum())
    return right / len(dataset)


def _quickest(model, splits, preprocessing, training) -> str:
    """Take a few steps in each form; return the one that took the least."""
    import torch

    import twins

    few = splits.train.subset(range(training.batch_size))
    x = torch.from_numpy(preprocessing.apply(few.images))
    y = torch.from_numpy(few.labels.astype(np.int64))
    times = {}
    for form in twins.FORMS:
        try:
            net, own = twins.in_form(twins.twin_of(model), x, form)
            step = twins.training_step(net, own, y, lr=1e-3, momentum=0.9)
            taken = []
            for _ in range(_PROBED):
                began = time.perf_counter()
                step()
                taken.append(time.perf_counter() - began)
            times[form] = float(np.median(taken[3:]))
        except twins.does_not_count as error:
            print(twins.left_out(form, error), file=sys.stderr)
    return min(times, key=lambda form: times[form])


# --- beside each other ----------------------------------------------------------------------


def _in_its_process(who: str, options: argparse.Namespace) -> Outcome:
    command = [sys.executable, __file__, options.name, "--who", who]
    command += ["--threads", str(options.threads)]
    for key in ("epochs", "seed"):
        value = getattr(options, key)
        command += [] if value is None else [f"--{key}", str(value)]
    told = subprocess.run(
        command,
        env=os.environ | threads_environment(options.threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    values = json.loads(told.stdout.splitlines()[-1])
    return Outcome([Epoch(*e) for e in values[0]], *values[1:])


def _draw(outcomes: dict[str, Outcome], name: str, path: Path) -> None:
    import pictures

    plt = pictures.pyplot(path)
    if plt is None:
        return
    figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for who, outcome in outcomes.items():
        minutes = [epoch.seconds / 60 for epoch in outcome.epochs]
        axes.plot(minutes, [100 * epoch.accuracy for epoch in outcome.epochs], label=who)
    axes.set_xlabel("minutes")
    axes.set_ylabel("validation accuracy (%)")
    axes.set_title(f"the recipe {name}, from its first step")
    axes.grid(c="#e6e6e6")
    axes.legend(frameon=False)
    pictures.save(figure, path)


def main() -> None:
    """Run both, one after the other, and set them beside each other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="fashion-mnist", help="of the recipe")
    parser.add_argument("--epochs", type=int, help="fewer, to try it")
    parser.add_argument("--seed", type=int, help="of both; default that of the recipe")
    parser.add_argument("--threads", type=int, default=2, help="of each; default 2")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--who", choices=(OURS, THEIRS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.who:
        outcome = ours(options) if options.who == OURS else theirs(options)
        print(json.dumps(outcome))
        return
    report = Report()
    report.print(describe(["torch"], threads=options.threads))
    report.print(f"\nthe recipe {options.name}, float32, one after the other\n")
    outcomes = {who: _in_its_process(who, options) for who in (OURS, THEIRS)}
    report.print(f"{'':10}{'batches/s':>11}{'minutes':>9}{'best validation':>17}{'test':>9}")
    for who, o in outcomes.items():
        best = max(epoch.accuracy for epoch in o.epochs)
        report.print(
            f"{who:10}{o.batches_per_s:11.1f}{o.epochs[-1].seconds / 60:9.1f}"
            f"{100 * best:15.2f} %{100 * o.test_accuracy:7.2f} %"
        )
    ratio = outcomes[OURS].batches_per_s / outcomes[THEIRS].batches_per_s
    report.print(f"\nbatches a second, {OURS} / {THEIRS}: {ratio:.2f}")
    for who, o in outcomes.items():
        report.print(f"{who}: {o.note}")
    report.write(options.results / f"recipe-{options.name}.txt")
    _draw(outcomes, options.name, options.results / f"recipe-{options.name}.svg")


if __name__ == "__main__":
    main()
