"""Train on a folder of .npy files that is larger than memory, and say how much memory it took.

Run by a test, as a process of its own: ``FOLDER EVERY steps|all``.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

import numpy as np

from cnnpy import models, nn, optim
from cnnpy.data import LazyDataset, Loader, Preprocessing, RandomShift, load_npy, problems
from cnnpy.train import fit


class Watched:
    """Read as another reader does, and note the first and the last row that was read."""

    def __init__(self, reader) -> None:
        self.reader, self.shape, self.dtype = reader, reader.shape, reader.dtype
        self.first, self.last = len(reader), 0

    def __len__(self) -> int:
        return len(self.reader)

    def read(self, rows):
        self.first, self.last = min(self.first, rows.min()), max(self.last, rows.max())
        return self.reader.read(rows)


def take_steps(source: LazyDataset, n_steps: int) -> int:
    """Train on batches of the whole file, shuffled."""
    fitted = Preprocessing(source.shape, (50.0,) * 3, (50.0,) * 3)
    model = models.small_cnn(source.n_classes)
    model.build(source.shape, dtype=fitted.dtype, seed=np.random.default_rng(0))
    step, loss = optim.SGD(model.parameters(), lr=0.01), nn.SoftmaxCrossEntropy()
    for x, y in Loader(source, 32, shuffle=True, seed=0, preprocessing=fitted, workers=3):
        scores, cache = model.forward(x, train=True)
        _, loss_cache = loss.forward(scores, y)
        step.zero_grad()
        model.backward_parameters(loss.backward(loss_cache), cache)
        step.step()
        if step.n_steps == n_steps:
            break
    return step.n_steps


def peak_bytes() -> int:
    """Return the most memory that was resident; Linux's maxrss may be that of the parent."""
    try:
        (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return int(line) * 1024
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(folder: str, every: int, what: str) -> dict[str, object]:
    large = load_npy(folder, lazy=True)
    watched = Watched(large.reader)
    source = LazyDataset(watched, large.labels, large.class_names)
    found: dict[str, object] = {"n_images": len(source), "steps": take_steps(source, 30)}
    found["reach"] = float(watched.last - watched.first) / len(source)
    part = source.subset(range(0, len(source), every))
    classifier = fit(models.small_cnn(2), part, epochs=3, batch_size=16, augment=RandomShift(2))
    found["accuracy"] = classifier.evaluate(part, batch_size=32).accuracy
    if what == "all":
        found["mean"] = Preprocessing.fit(source).mean[0]
        found["mean_of_written"] = float(part.read(range(len(part)))[:, 0].mean())
        found["problems"] = [problem.kind for problem in problems(source)]
    return found | {"peak_bytes": peak_bytes()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
