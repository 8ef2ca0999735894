"""Checkpoints: a run that is stopped anywhere goes on to the bits of one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import CheckpointError, OptionError, TrainingError
from cnnpy.data import Dataset, RandomShift
from cnnpy.train import Callback, Checkpoints, Training, array_file, fit

from .conftest import corners, tiny_cnn

TRAIN, VALIDATION = corners(40, 0), corners(16, 1)


class Stop(Exception):
    """Stands for a power cut."""


class StopAt(Callback):
    """Stop after the nth step of this process."""

    def __init__(self, n: int) -> None:
        self.left = n

    def on_step(self, report):
        self.left -= 1
        if self.left < 0:
            raise Stop


def mixed(x, targets, rng):
    order, share = rng.permutation(len(x)), x.dtype.type(rng.uniform())
    return share * x + (1 - share) * x[order], share * targets + (1 - share) * targets[order]


WAYS = {
    "adamw": Training(),
    "sgd, shifted": Training(optimizer="sgd", augment=RandomShift(1), schedule="cosine"),
    "two batches a step": Training(accumulate=2, clip_norm=0.5),
    "mixed, exponential average": Training(mixing=mixed, ema_decay=0.9, label_smoothing=0.1),
    "average of the last epochs": Training(swa_epochs=2, swa_lr=0.01, class_weights="balanced"),
    "patience": Training(patience=1, optimizer="rmsprop", lr=1e-6),
    "weighed over two batches": Training(
        accumulate=2, class_weights=(1, 3, 0.5, 0), optimizer="sgd"
    ),
    "skipping": Training(on_nonfinite="skip", optimizer="adam"),
}


def train(way, folder=None, *, validation=VALIDATION, every_s=0.0, callbacks=(), model=None):
    checkpoints = None if folder is None else Checkpoints(folder, every_s=every_s)
    return fit(
        tiny_cnn() if model is None else model,
        TRAIN,
        validation,
        WAYS[way],
        epochs=3,
        batch_size=8,
        seed=7,
        checkpoints=checkpoints,
        resume=folder is not None,
        callbacks=callbacks,
    )


def numbers(classifier):
    """Return what must be the same: weights, and the history without its times."""
    history = [
        (r.epoch, r.lr, r.train_loss, r.train_accuracy, r.validation_loss, r.best)
        for r in classifier.history
    ]
    state = {name: array.tobytes() for name, array in classifier.model.state_dict().items()}
    return str(history), state


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_stops_after_each_step_ends_with_the_same_bits(way, tmp_path):
    whole = numbers(train(way))
    first = tiny_cnn()
    first.build((1, 8, 8), seed=np.random.default_rng(np.random.SeedSequence(7).spawn(2)[0]))
    assert whole[1]["0.weight"] != first[0].weight.value.tobytes()
    for _ in range(40):
        try:
            pieces = train(way, tmp_path / "c", callbacks=[StopAt(1)])
        except Stop:
            continue
        break
    assert numbers(pieces) == whole


@pytest.mark.parametrize("validation", [VALIDATION, None])
def test_a_run_that_is_over_is_not_trained_again(tmp_path, validation):
    first = train("mixed, exponential average", tmp_path / "c", validation=validation)
    second = train(
        "mixed, exponential average", tmp_path / "c", validation=validation, callbacks=[StopAt(0)]
    )
    assert numbers(first) == numbers(second)


def test_only_the_last_are_kept_and_the_epoch_ends_with_one(tmp_path):
    train("adamw", tmp_path / "c")
    assert [path.name for path in Checkpoints(tmp_path / "c").paths()] == [
        "step-000000015.safetensors",
        "step-000000014.safetensors",
    ]
    train("adamw", tmp_path / "d", every_s=1e9)
    assert [path.name for path in Checkpoints(tmp_path / "d").paths()] == [
        "step-000000015.safetensors",
        "step-000000010.safetensors",
    ]


def inverted():
    """Return images of which only some differ."""
    images = TRAIN.images.copy()
    images[7] = 255 - images[7]
    return Dataset(images, TRAIN.labels, TRAIN.class_names, TRAIN.name)


def frozen():
    model = tiny_cnn()
    model.build((1, 8, 8))
    model[0].freeze()
    return model


class Follow(Callback):
    def __init__(self):
        self.plan, self.warnings = None, []

    def on_start(self, plan):
        self.plan = plan

    def on_warning(self, text):
        self.warnings.append(text)


@pytest.fixture
def stopped(tmp_path):
    """Return a folder of two checkpoints, of a run that stopped in its second epoch."""
    with pytest.raises(Stop):
        train("adamw", tmp_path / "c", callbacks=[StopAt(7)])
    return tmp_path / "c"


def test_who_follows_is_told_where_the_run_goes_on(stopped):
    follow = Follow()
    train("adamw", stopped, callbacks=[follow])
    assert follow.plan.resumed
    assert (follow.plan.epoch, follow.plan.step) == (2, 2)
    assert len(follow.plan.classifier.history) == 3
    assert follow.plan.best_state is not None


@pytest.mark.parametrize("damage", ["cut", "empty", "bit", "text", "foreign"])
def test_a_damaged_checkpoint_is_passed_over_and_kept_aside(stopped, damage):
    last = Checkpoints(stopped).paths()[0]
    content = bytearray(last.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "empty":
        content = bytearray()
    elif damage == "bit":
        content[-5] ^= 4
    elif damage == "text":
        at = content.index(b'"epoch')
        content[at + 2] ^= 1
    else:
        nn.Linear(2).build((3,))
        from safetensors.numpy import save

        content = bytearray(save({"a": np.zeros(3)}, metadata={"format": "cnnpy-checkpoint-1"}))
    last.write_bytes(content)
    copy = stopped.with_name("copy")
    shutil.copytree(stopped, copy)
    follow = Follow()
    with pytest.raises(Stop):
        train("adamw", stopped, every_s=1e9, callbacks=[follow, StopAt(0)])
    assert follow.plan.step == 1
    assert len(follow.warnings) == 1
    assert str(last) in follow.warnings[0]
    assert last.with_suffix(".damaged").read_bytes() == bytes(content)
    assert numbers(train("adamw", copy, callbacks=[Follow()])) == numbers(train("adamw"))


def test_where_none_is_good_nothing_is_trained_over(stopped):
    for path in Checkpoints(stopped).paths():
        path.write_bytes(path.read_bytes()[:100])
    follow = Follow()
    with pytest.raises(CheckpointError, match="none of its 2 checkpoints"):
        train("adamw", stopped, callbacks=[follow])
    assert len(follow.warnings) == 2
    assert all(path.stat().st_size == 100 for path in Checkpoints(stopped).paths())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lr": 0.5}, "training lr is not set, here it is 0.5"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(4))}, "network shapes 1.weight"),
        ({"train": corners(40, 9)}, "training data content"),
        ({"train": corners(44, 0)}, "training data length is 40, here it is 44"),
        ({"validation": corners(16, 3)}, "validation data content"),
        ({"epochs": 4}, "training epochs is 3, here it is 4"),
        ({"train": inverted()}, "training data content"),
        ({"model": frozen()}, "network parameters 0.weight"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_left_as_it_is(stopped, change, told):
    before = {p: p.read_bytes() for p in Checkpoints(stopped).paths()}
    given = {"model": tiny_cnn(), "train": TRAIN, "validation": VALIDATION} | change
    options = {"epochs": 3, "batch_size": 8, "seed": 7} | given
    model, data, validation = (options.pop(n) for n in ("model", "train", "validation"))
    checkpoints = Checkpoints(stopped)
    with pytest.raises(CheckpointError) as caught:
        fit(model, data, validation, checkpoints=checkpoints, resume=True, **options)
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3
    assert {p: p.read_bytes() for p in checkpoints.paths()} == before


def test_a_checkpoint_that_cannot_be_written_is_an_error_and_costs_no_other(stopped, monkeypatch):
    before = {p: p.read_bytes() for p in Checkpoints(stopped).paths()}
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(full))
    with pytest.raises(CheckpointError, match="No space left") as caught:
        train("adamw", stopped)
    monkeypatch.undo()
    assert {p: p.read_bytes() for p in Checkpoints(stopped).paths()} == before
    assert str(Checkpoints(stopped).paths()[0]) in str(caught.value)
    assert sorted(stopped.iterdir()) == sorted(before)
    assert numbers(train("adamw", stopped)) == numbers(train("adamw"))


def test_a_new_run_is_not_begun_over_the_checkpoints_of_another(stopped):
    before = {p: p.read_bytes() for p in Checkpoints(stopped).paths()}
    with pytest.raises(OptionError, match="resume=True to go on"):
        fit(tiny_cnn(), TRAIN, checkpoints=Checkpoints(stopped))
    assert {p: p.read_bytes() for p in Checkpoints(stopped).paths()} == before


def test_one_process_alone_trains_in_a_folder(tmp_path):
    with (
        Checkpoints(tmp_path / "c").alone(),
        pytest.raises(CheckpointError, match="another process is training there"),
    ):
        train("adamw", tmp_path / "c")


def test_a_signal_at_the_very_end_is_handed_on(tmp_path):
    came = []

    class Send(Callback):
        def on_end(self, classifier):
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        train("adamw", tmp_path / "c", callbacks=[Send()])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [signal.SIGTERM]


def test_a_child_made_by_fork_can_be_ended_meanwhile(tmp_path):
    left = []

    class Fork(Callback):
        def on_step(self, report):
            if report.step == 1 and report.epoch == 1:
                ours, theirs = os.pipe()
                child = os.fork()
                if child == 0:
                    os.write(theirs, b"!")
                    time.sleep(60)
                    os._exit(0)
                os.read(ours, 1)  # what comes to a child before Python has set it up is lost
                os.close(ours)
                os.close(theirs)
                os.kill(child, signal.SIGTERM)
                left.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    train("adamw", tmp_path / "c", callbacks=[Fork()])
    assert left == [-signal.SIGTERM]


OF_ONE_S_OWN = """if True:
    import sys
    import numpy as np
    from cnnpy import nn
    from cnnpy.data import Dataset
    from cnnpy.train import Callback, Checkpoints, fit

    def own(images, rng):
        return np.roll(images, rng.integers(3), axis=3)

    class StopAfterAnEpoch(Callback):
        def on_step(self, report):
            if report.epoch == 2 and sys.argv[1] == "stop":
                sys.exit()

    images = np.random.default_rng(0).integers(0, 255, (16, 1, 4, 4), dtype=np.uint8)
    data = Dataset(images, np.arange(16) % 2, ("a", "b"))
    model = nn.Sequential(nn.Flatten(), nn.Linear(2))
    checkpoints = None if sys.argv[1] == "whole" else Checkpoints("c")
    model = fit(
        model, data, epochs=3, batch_size=4, augment=own, loss=nn.Hinge(),
        checkpoints=checkpoints, resume=checkpoints is not None, callbacks=[StopAfterAnEpoch()],
    ).model
    print(model[1].weight.value.tobytes().hex())
"""


def test_a_function_and_a_loss_of_ones_own_are_known_again_in_another_process(tmp_path):
    def run(word):
        return subprocess.run(
            [sys.executable, "-c", OF_ONE_S_OWN, word],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(cnnpy.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run("stop") == ""
    assert run("go on") == run("whole") != ""


# --- checkpoints that somebody made up ------------------------------------------------------


def resign(path, change):
    """Change what stands in a checkpoint, and sign it anew."""
    content = array_file.read(path)
    state = json.loads(content.texts["state"])
    arrays = dict(content.arrays)
    change(state, arrays)
    array_file.write(path, arrays, {"format": content.texts["format"], "state": json.dumps(state)})


MADE_UP = {
    "identity": lambda s, a: s.update(identity=5),
    "epoch 99": lambda s, a: s.update(epoch=99),
    "epoch 0": lambda s, a: s.update(epoch=0),
    "infinite epoch": lambda s, a: s.update(epoch=float("inf")),
    "step -1": lambda s, a: s.update(step=-1),
    "step 99": lambda s, a: s.update(step=99),
    "no history": lambda s, a: s.update(history=[]),
    "letters in the history": lambda s, a: s["history"][0].update(epoch="\n\x1b[31m"),
    "no best epoch": lambda s, a: s["history"][0].update(best=False),
    "letters in the sums": lambda s, a: s["progress"]["sums"].update(n_images="x"),
    "no sums": lambda s, a: s["progress"].pop("sums"),
    "a huge generator": lambda s, a: s["generators"]["4.rng"]["state"].update(state=2**200),
    "no generator": lambda s, a: s["generators"].clear(),
    "steps of the optimizer": lambda s, a: a.update({"optimizer/n_steps": np.array(-1)}),
    "averaged": lambda s, a: s["progress"].update(averaged=-1),
    "a best that lacks an array": lambda s, a: a.pop("best/0.weight"),
    "a best of another shape": lambda s, a: a.update({"best/0.weight": np.zeros(3)}),
    "weights that are no numbers": lambda s, a: a["model/0.weight"].fill(np.nan),
    "weights of another dtype": lambda s, a: a.update(
        {"model/0.weight": a["model/0.weight"].astype(np.float64)}
    ),
    "an average that nobody asked for": lambda s, a: a.update(
        {f"average/{n[6:]}": v for n, v in a.items() if n.startswith("model/")}
    ),
    "one more part": lambda s, a: a.update({"more/x": np.zeros(3)}),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_a_checkpoint_that_was_made_up_is_an_error_in_three_lines(stopped, name):
    for path in Checkpoints(stopped).paths():
        resign(path, MADE_UP[name])
    follow = Follow()
    with pytest.raises(CheckpointError) as caught:
        train("adamw", stopped, callbacks=[follow])
    assert len(str(caught.value).splitlines()) == 3
    assert str(caught.value).replace("\n", "").isprintable()


def test_a_folder_that_vanishes_is_an_error(tmp_path):
    class Remove(Callback):
        def on_step(self, report):
            if report.step == 3:
                shutil.rmtree(tmp_path / "run")

    (tmp_path / "run").mkdir()
    with pytest.raises(CheckpointError, match="No such file"):
        train("adamw", tmp_path / "run" / "c", callbacks=[Remove()])


def test_what_a_killed_process_left_is_removed(stopped):
    leftover = stopped / ".step-000000008.safetensors.0123abcd.part"
    leftover.write_bytes(b"half")
    train("adamw", stopped)
    assert not leftover.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["step", "validation"])
@pytest.mark.parametrize("way", WAYS)
def test_a_signal_waits_for_the_end_of_the_step_and_its_checkpoint(
    tmp_path, number, when, way, monkeypatch
):
    came = []

    def note(n, frame):
        came.append(n)
        raise Stop

    class Send(Callback):
        def __init__(self):
            self.n = 0

        def on_step(self, report):
            self.n += 1
            if when == "step" and self.n == 4:
                os.kill(os.getpid(), number)
                assert came == []

    if when == "validation":
        from cnnpy.train import Classifier

        evaluate = Classifier.evaluate

        def interrupted(self, *arguments, **options):
            os.kill(os.getpid(), number)
            return evaluate(self, *arguments, **options)

        monkeypatch.setattr(Classifier, "evaluate", interrupted)
    before = signal.signal(number, note)
    try:
        with pytest.raises(Stop):
            train(way, tmp_path / "c", every_s=1e9, callbacks=[Send()])
        assert signal.getsignal(number) is note
    finally:
        signal.signal(number, before)
    assert came == [number]
    per_epoch = 3 if WAYS[way].accumulate == 2 else 5
    steps = 4 if when == "step" else per_epoch
    assert Checkpoints(tmp_path / "c").paths()[0].name == f"step-{steps:09d}.safetensors"
    monkeypatch.undo()
    assert numbers(train(way, tmp_path / "c")) == numbers(train(way))


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    class Spoil(Callback):
        def on_start(self, plan):
            self.model = plan.classifier.model

        def on_step(self, report):
            if report.step == 3:
                self.model[0].weight.value[0] = np.nan

    with pytest.raises(TrainingError, match=r"the weights are not finite at step 3 of epoch 1"):
        train("adamw", tmp_path / "c", callbacks=[Spoil()])
    assert Checkpoints(tmp_path / "c").paths()[0].name == "step-000000002.safetensors"
