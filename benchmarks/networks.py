"""A training step of whole networks beside PyTorch, and the memory that it takes.

A step is forward, loss, backward and an update of SGD with momentum. PyTorch counts in
the best of its two layouts, compiled or not. The first step of everyone is checked
against the same step in float64 before any is timed.

    python benchmarks/networks.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cases import TRAINING, Network
from suite import SETTINGS, Report, Settings, Suite, run, threads_environment
from timing import OURS, Row, row_in_turns

LR, MOMENTUM = 0.01, 0.9
MOST_OFF = 0.03
"""Of the norm of an update. Where the inputs of a ReLU or of a maximum tie within one
rounding, float32 may let another gradient through: PyTorch itself is off by up to 0.01."""


def _batch(network: Network):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((network.batch, *network.image), dtype=np.float32)
    return x, rng.integers(0, network.n_classes, network.batch)


def _model(network: Network):
    from cnnpy import models

    model = models.make_model(network.model, network.n_classes)
    model.build(network.image, seed=0)
    return model


def _find(name: str) -> Network:
    return next(network for network in TRAINING if str(network) == name)


def measure(name: str, settings: Settings) -> list[Row]:
    """Check and time a training step of one network."""
    import torch

    import ours
    import twins
    from checks import demand_closeness

    ours.demand_the_engine()
    torch.set_num_threads(settings.threads)
    network = _find(name)
    x, y = _batch(network)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    model = _model(network)
    before = {name: p.value.astype(np.float64) for name, p in model.named_parameters()}

    truth = twins.twin_of(model, dtype=torch.float64)
    loss = twins.training_step(truth, tx.double(), ty, lr=LR, momentum=MOMENTUM)()
    wants = {name: p.detach().numpy() - before[name] for name, p in truth.named_parameters()}

    def demand_the_same_step(who: str, step, parameters) -> None:
        demand_closeness(f"{name}: loss of {who}", step(), loss, most=1e-4)
        for label, value in parameters():
            demand_closeness(
                f"{name}: update of {label} by {who}",
                value.astype(np.float64) - before[label],
                wants[label],
                most=MOST_OFF,
            )

    steps, notes = {}, []
    for form in twins.FORMS:  # twins copy the weights, so they come before our first step
        twin = twins.twin_of(model)
        compiled, tx_form = twins.in_form(twin, tx, form)
        step = twins.training_step(compiled, tx_form, ty, lr=LR, momentum=MOMENTUM)
        try:
            demand_the_same_step(
                form,
                step,
                lambda t=twin: [(n, p.detach().numpy()) for n, p in t.named_parameters()],
            )
            steps[f"pytorch/{form}"] = step
        except twins.does_not_count as reason:
            notes.append(twins.left_out(form, reason))
    step = ours.training_step(model, x, y, lr=LR, momentum=MOMENTUM)
    demand_the_same_step(OURS, step, lambda: [(n, p.value) for n, p in model.named_parameters()])
    steps = {OURS: step} | steps
    row = row_in_turns(name, "", network.batch, steps, rounds=settings.rounds)
    return [replace(row, notes=notes)]


# --- memory --------------------------------------------------------------------------


def _megabytes() -> float:
    import resource

    # kilobytes on Linux; a process starts with the peak of the one that it was made by,
    # so the one that asks imports nothing large
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_twin(name: str, path: str) -> None:
    """Write a network for PyTorch, so that its process need not import cnnpy."""
    import torch

    import twins

    torch.save(twins.twin_of(_model(_find(name))), path)


def print_memory(who: str, name: str, threads: int, path: str) -> None:
    """Take three steps and print the peak after the imports and after the steps."""
    network = _find(name)
    x, y = _batch(network)
    if who == OURS:
        import ours

        ours.demand_the_engine()
        imported = _megabytes()
        step = ours.training_step(_model(network), x, y, lr=LR, momentum=MOMENTUM)
    else:
        import torch

        import twins

        torch.set_num_threads(threads)
        imported = _megabytes()
        twin = torch.load(path, weights_only=False)
        twin, tx = twins.in_form(twin, torch.from_numpy(x), who)
        step = twins.training_step(twin, tx, torch.from_numpy(y), lr=LR, momentum=MOMENTUM)
    for _ in range(3):
        step()
    print(f"{imported} {_megabytes()}")


def memory_table(report: Report, options: argparse.Namespace) -> None:
    """Print the peak memory of each network and library, each in a fresh process."""
    forms = {OURS: "cnnpy", "contiguous": "PyTorch", "channels_last": "channels_last"}
    report.print("\npeak memory of a process after three steps, MB (of which for its imports)")
    report.print(f"{'':34}{'':22}" + "".join(f"{heading:>20}" for heading in forms.values()))
    chosen = [network for network in TRAINING if options.only in str(network)]
    threads = threads_environment(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        for network in chosen:
            path = str(Path(folder) / f"{network.model}.pt")
            subprocess.run([sys.executable, __file__, "--twin", str(network), path], check=True)
            for setting, environment in SETTINGS.items():
                line = f"{network!s:34}{setting:22}"
                for who in forms:
                    command = [sys.executable, __file__, "--memory", who, str(network)]
                    ended = subprocess.run(
                        [*command, str(options.threads), path],
                        env=os.environ | threads | environment,
                        check=True,
                        capture_output=True,
                        text=True,
                    )
                    imported, peak = map(float, ended.stdout.split())
                    line += f"{peak:12.0f} ({imported:5.0f})"
                report.print(line)


SUITE = Suite(
    name="networks",
    title="a training step: forward, loss, backward, SGD with momentum",
    script=__file__,
    competitors={"pytorch": "PyTorch"},
    packages=["torch"],
    unit=("images/s", 1),
    cases=lambda options: list(map(str, TRAINING)),
    measure=measure,
    afterwards=memory_table,
)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        print_memory(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    elif sys.argv[1:2] == ["--twin"]:
        write_twin(*sys.argv[2:])
    else:
        run(SUITE)
