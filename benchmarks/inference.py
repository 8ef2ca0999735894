"""Inference of whole networks beside PyTorch, ONNX Runtime and OpenVINO.

All compute in float32 with our weights on the same batch. PyTorch counts in the best of
its two layouts, compiled or not; ONNX Runtime and OpenVINO read the ONNX file of the twin
and fold and fuse what they can. Everyone's scores are checked against float64 first.

    python benchmarks/inference.py
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cases import INFERENCE
from suite import Settings, Suite, run
from timing import OURS, Row, row_in_turns

MOST_OFF = 1e-4
"""Of the norm of the scores."""


def measure(name: str, settings: Settings) -> list[Row]:
    """Check and time the inference of one network on one batch."""
    import torch

    import ours
    import twins
    from checks import demand_closeness
    from cnnpy import models

    ours.demand_the_engine()
    torch.set_num_threads(settings.threads)
    network = next(network for network in INFERENCE if str(network) == name)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((network.batch, *network.image), dtype=np.float32)
    model = models.make_model(network.model, network.n_classes)
    model.build(network.image, seed=0)
    for _ in range(20):  # running statistics that are no longer zeros and ones
        model.forward(rng.standard_normal((4, *network.image), dtype=np.float32), train=True)

    with torch.inference_mode():
        truth = twins.twin_of(model, dtype=torch.float64).eval()
        want = truth(torch.from_numpy(x).double()).numpy()
    contenders = {OURS: ours.inference(model, x)}
    for form in twins.FORMS:
        twin = twins.twin_of(model).eval()
        contenders[f"pytorch/{form}"] = _pytorch(*twins.in_form(twin, torch.from_numpy(x), form))
    file = _onnx(twins.twin_of(model).eval(), torch.from_numpy(x))
    contenders["onnxruntime"] = _onnxruntime(file, x, settings.threads)
    contenders["openvino"] = _openvino(file, x, settings.threads)

    notes = []
    for who, infer in list(contenders.items()):
        try:
            demand_closeness(f"{name}: scores of {who}", infer(), want, most=MOST_OFF)
        except twins.does_not_count as reason:
            who, _, form = who.partition("/")
            if who != "pytorch":
                raise
            notes.append(twins.left_out(form, reason))
            del contenders[f"{who}/{form}"]
    row = row_in_turns(name, "", network.batch, contenders, rounds=settings.rounds)
    return [replace(row, notes=notes)]


def _pytorch(network, tx) -> Callable[[], np.ndarray]:
    import torch

    def infer():
        with torch.inference_mode():
            return network(tx).numpy()

    return infer


def _onnx(twin, tx) -> bytes:
    """Export a network in evaluation mode, by the exporter that needs nothing more."""
    import torch

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is the older exporter
        path = Path(folder) / "network.onnx"
        torch.onnx.export(twin, (tx,), str(path), dynamo=False, input_names=["x"])
        return path.read_bytes()


def _onnxruntime(file: bytes, x, threads: int) -> Callable[[], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})[0]


def _openvino(file: bytes, x, threads: int) -> Callable[[], np.ndarray]:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # bfloat16 by default, where the CPU has it
    }
    request = core.compile_model(core.read_model(file), "CPU", settings).create_infer_request()
    return lambda: request.infer({0: x}, share_inputs=True, share_outputs=True)[0]


SUITE = Suite(
    name="inference",
    title="inference",
    script=__file__,
    competitors={"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"},
    packages=["torch", "onnx", "onnxruntime", "openvino"],
    unit=("images/s", 1),
    cases=lambda options: list(map(str, INFERENCE)),
    measure=measure,
)

if __name__ == "__main__":
    run(SUITE)
