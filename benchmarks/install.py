"""What an install costs: the time to import it, and with --size its bytes.

python benchmarks/install.py           # import times in fresh processes
python benchmarks/install.py --size    # also installs the checkout into a fresh
# environment, which takes a minute
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from importlib import metadata, util
from pathlib import Path

import machine
from suite import Report, parser_for

ROOMS = "import cnnpy, cnnpy.models, cnnpy.train, cnnpy.backends.native.engine"
IMPORTS = {
    "numpy": "import numpy",
    "cnnpy": "import numpy; import cnnpy",
    "cnnpy, all that training needs": f"import numpy; {ROOMS}",
    "torch": "import numpy; import torch",
    "onnxruntime": "import numpy; import onnxruntime",
    "openvino": "import numpy; import openvino",
}
SIZED = ("torch", "onnxruntime", "openvino")
_TIMED = """
import time
began = time.perf_counter()
{first}
numpy_s = time.perf_counter() - began
{rest}
print(numpy_s, time.perf_counter() - began - numpy_s)
"""


def import_times(report: Report, rounds: int) -> None:
    """Print how long imports take over NumPy's own.

    Parameters
    ----------
    report : Report
        Where to.
    rounds : int
        Fresh processes for each, in turns.
    """
    here = {k: v for k, v in IMPORTS.items() if util.find_spec(k.partition(",")[0])}
    times: dict[str, list[float]] = {name: [] for name in here}
    for _ in range(rounds + 1):  # the first fills the disk's cache
        for name, code in here.items():
            first, _, rest = code.partition("; ")
            script = _TIMED.format(first=first, rest=rest)
            ended = subprocess.run(
                [sys.executable, "-c", script], check=True, capture_output=True, text=True
            )
            numpy_s, over_numpy_s = map(float, ended.stdout.split())
            times[name].append(numpy_s if name == "numpy" else over_numpy_s)
    report.print(f"\nimport, ms over NumPy's own, of {rounds} fresh processes: minimum, median")
    for name, seconds in times.items():
        kept = [1e3 * s for s in seconds[1:]]
        shown = f"{min(kept):9.1f}{statistics.median(kept):9.1f}"
        report.print(f"{name:34}{shown}" + ("  (NumPy itself)" if name == "numpy" else ""))


def size_of(files: Iterable[Path]) -> int:
    """Add up the bytes of files, without what Python compiles by itself."""
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")


def sizes(report: Report, package: str) -> None:
    """Install a package into a fresh environment and print what lies there.

    Parameters
    ----------
    report : Report
        Where to.
    package : str
        What pip installs: the folder of a checkout.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        where = "import sysconfig; print(sysconfig.get_path('platlib'))"
        ended = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
        site = Path(ended.stdout.strip())
        before = set(site.iterdir())  # pip, and what comes with it
        command = [python, "-m", "pip", "install", "--quiet", "--no-compile", package]
        subprocess.run(command, check=True)
        found = {
            entry.name: size_of(entry.rglob("*") if entry.is_dir() else [entry])
            for entry in sorted(set(site.iterdir()) - before)
        }
    report.print("\ninstalled, MB, without .pyc: pip install . in a fresh environment")
    for name, size in found.items():
        report.print(f"{name:34}{size / 1e6:9.1f}")
    report.print(f"{'together':34}{sum(found.values()) / 1e6:9.1f}")
    report.print("beside, alone, without the packages that it depends on")
    for name in SIZED:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue
        report.print(f"{name:34}{size_of(Path(f.locate()) for f in files) / 1e6:9.1f}")


def main() -> None:
    """Print import times, and sizes where asked for."""
    parser = parser_for(__doc__.splitlines()[0], rounds=15)
    parser.add_argument("--size", action="store_true", help="install into a fresh environment")
    options = parser.parse_args()
    report = Report()
    report.print(machine.describe(["safetensors", *SIZED]))
    import_times(report, options.rounds)
    if options.size:
        sizes(report, str(Path(__file__).parents[1]))
    report.write(options.results / "install.txt")


if __name__ == "__main__":
    main()
