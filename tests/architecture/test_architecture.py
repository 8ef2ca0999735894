"""The house is built as its plan says: imports only go down, and rooms hold what they should."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnpy import functional
from cnnpy.contract import OPS, Kind
from cnnpy.contract.opspec import REQUIRED

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "cnnpy"
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in LINTER if contract["type"] == "layers")
FORBIDDEN = [contract for contract in LINTER if contract["type"] == "forbidden"]

every_op = pytest.mark.parametrize("op", OPS)


def module_name(path: Path) -> str:
    parts = ("cnnpy", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}

every_module = pytest.mark.parametrize("module", FILES)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Walk over a tree, leaving out what is for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from statements(child)


def imports(module: str) -> set[str]:
    """Name every module that a module imports, wherever the import stands."""
    found = set()
    for node in statements(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import hides which room it goes to"
            base = node.module or ""
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else base for name in inner}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            named = node.args[0]
            found |= {str(named.value)} if isinstance(named, ast.Constant) else set()
    return found


def under(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def level(module: str) -> int | None:
    """Give the height of a module's room, the contract lowest."""
    for height, row in enumerate(reversed(LAYERS)):
        if any(under(module, room) for room in row.split(" | ")):
            return height
    return None


# --- the arrow ---------------------------------------------------------------------


def test_every_room_has_its_place_in_the_arrow() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    placed = {room.removeprefix("cnnpy.") for row in LAYERS for room in row.split(" | ")}
    assert rooms <= placed


@every_module
def test_imports_only_go_down(module: str) -> None:
    here = level(module)
    if here is None:
        return  # cnnpy itself, the roof
    for imported in imports(module):
        there = level(imported)
        if there is None or under(imported, ".".join(module.split(".")[:2])):
            continue
        assert there < here, f"{module} imports {imported}, which stands above it or beside it"


@pytest.mark.parametrize("contract", FORBIDDEN, ids=lambda contract: contract["name"])
def test_what_a_room_must_not_know_it_does_not_import(contract: dict) -> None:
    for module in FILES:
        if any(under(module, room) for room in contract["source_modules"]):
            for forbidden in contract["forbidden_modules"]:
                known = {name for name in imports(module) if under(name, forbidden)}
                assert not known, f"{module} imports {known}"


def test_only_the_native_backend_knows_the_compiled_module() -> None:
    """import-linter cannot see an extension module; this can."""
    for module in FILES:
        for imported in imports(module):
            if imported.split(".")[-1] == "_native" or "._native." in imported:
                assert under(module, "cnnpy.backends.native"), module


@every_module
def test_the_contract_and_the_definition_know_numpy_and_the_standard_library_only(
    module: str,
) -> None:
    if not (under(module, "cnnpy.contract") or under(module, "cnnpy.reference")):
        return
    outside = {name.split(".")[0] for name in imports(module)} - {"cnnpy", "numpy"}
    assert outside <= set(sys.stdlib_module_names)


LIGHT = (
    *("matplotlib", "PIL", "typer", "rich", "torch", "sklearn", "tensorboardX"),
    *("safetensors", "scipy", "numpy"),
)


def loaded_after(statement: str) -> set[str]:
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_importing_cnnpy_loads_nothing_heavy() -> None:
    assert loaded_after("import cnnpy") & set(LIGHT) == set()


@pytest.mark.parametrize("room", ["contract", "reference", "functional", "check"])
def test_the_rooms_of_the_definition_load_numpy_alone(room: str) -> None:
    loaded = loaded_after(f"import cnnpy.{room}; dir(cnnpy.{room})")
    assert loaded & set(LIGHT) <= {"numpy"}


@pytest.mark.parametrize(
    "room",
    ["nn", "optim", "data", "models", "page", "train", "insight", "plot", "report", "cs231n"],
)
def test_no_room_loads_an_optional_package_before_it_is_needed(room: str) -> None:
    if f"cnnpy.{room}" not in FILES:
        pytest.skip(f"there is no {room} yet")
    assert loaded_after(f"import cnnpy.{room}") & set(LIGHT) <= {"numpy", "safetensors"}


# --- what an op consists of --------------------------------------------------------


def parameters(function: object) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]


@every_op
def test_every_op_has_its_definition_with_both_passes(op: str) -> None:
    tree = TREES[f"cnnpy.reference.{op}"]
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert f"{op}_forward" in defined
    assert f"{op}_backward" in defined
    assert defined.index(f"{op}_forward") < defined.index(f"{op}_backward")


@every_op
def test_a_definition_is_loops(op: str) -> None:
    """Only where there is nothing to compute may it do without one."""
    text = FILES[f"cnnpy.reference.{op}"].read_text()
    loops = re.findall(r"^ +for \w+", text, re.MULTILINE)
    assert len(loops) >= 1 or op == "flatten"
    for shortcut in ("einsum", "tensordot", "as_strided", "sliding_window", " @ ", "matmul"):
        assert shortcut not in text


@every_op
def test_every_op_has_cases_and_they_are_of_that_op(op: str) -> None:
    from cnnpy.check import RandomHand

    case = importlib.import_module(f"cnnpy.check.cases.{op}").draw(RandomHand(0))
    assert case.op == op
    assert set(case.arrays) == {i.name for i in OPS[op].inputs}
    assert set(case.options) <= {option.name for option in OPS[op].options}


def test_there_are_no_definitions_and_no_cases_without_a_row() -> None:
    shared = {"cnnpy.reference.windows"}
    for room in ("cnnpy.reference", "cnnpy.check.cases"):
        modules = {name for name in FILES if name.startswith(f"{room}.")} - shared
        assert {name.rpartition(".")[2] for name in modules} == set(OPS)


@every_op
def test_an_op_is_public_in_the_room_that_its_row_names(op: str) -> None:
    room = importlib.import_module(f"cnnpy.functional.{OPS[op].room}")
    for way in ("forward", "backward"):
        name = f"{op}_{way}"
        assert name in room.__all__
        assert name in functional.__all__
        assert getattr(functional, name) is getattr(room, name)


DROPOUT = {"mask", "train", "seed"}
"""dropout's public function draws the mask: it takes a seed and knows inference."""


@every_op
def test_the_public_signature_is_that_of_the_row(op: str) -> None:
    row = OPS[op]
    public = parameters(getattr(functional, f"{op}_forward"))
    positional = [p for p in public if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in public if p.kind is p.KEYWORD_ONLY]
    assert [p.name for p in positional] == [i.name for i in row.positional]
    for p, i in zip(positional, row.positional, strict=True):
        assert (p.default is None) == (i.kind is Kind.OPTIONAL)
    ours = [p for p in keyword if not (op == "dropout" and p.name in DROPOUT)]
    rest = [p.name for p in ours if p.name in {i.name for i in row.keyword}]
    assert rest == [i.name for i in row.keyword if op != "dropout"]
    options = {p.name: p.default for p in ours if p.name not in rest}
    known = (*row.options, *row.advice)
    assert list(options) == [option.name for option in known]
    for option in known:
        default = options[option.name]
        if option.default is REQUIRED:
            assert default is inspect.Parameter.empty
        else:
            assert default == option.default
            assert type(default) is type(option.default)


@every_op
def test_the_definition_has_the_row_s_parameters_and_defaults(op: str) -> None:
    row = OPS[op]
    found = parameters(getattr(importlib.import_module(f"cnnpy.reference.{op}"), f"{op}_forward"))
    names = [i.name for i in (*row.positional, *row.keyword)] + [o.name for o in row.options]
    assert [p.name for p in found] == names
    for option in row.options:
        default = next(p.default for p in found if p.name == option.name)
        missing = default is inspect.Parameter.empty
        assert missing if option.default is REQUIRED else default == option.default


@every_op
def test_a_public_backward_takes_needs_where_there_are_several_gradients(op: str) -> None:
    found = parameters(getattr(functional, f"{op}_backward"))
    several = ["needs"] if len(OPS[op].gradients) > 1 else []
    assert [p.name for p in found] == ["dout", "cache", *several]


@every_op
def test_a_public_docstring_names_shapes_options_and_errors(op: str) -> None:
    row = OPS[op]
    for way in ("forward", "backward"):
        text = inspect.getdoc(getattr(functional, f"{op}_{way}")) or ""
        assert len(text.split("\n")[0]) < 70
        for section in ("Parameters", "Returns", "Raises", "Examples"):
            assert f"\n{section}\n---" in text
        assert re.search(r"of shape|of any shape|of the shape|of one shape|shapes", text)
    text = inspect.getdoc(getattr(functional, f"{op}_forward")) or ""
    for name in [i.name for i in row.inputs] + [o.name for o in (*row.options, *row.advice)]:
        assert re.search(rf"^(\w+, )*{name}(, \w+)* : ", text, re.MULTILINE), name
    for letters in row.inputs[0].axes.split("|"):
        axes = letters.split()
        if "..." not in axes and len(axes) > 1:
            assert f"({', '.join(axes)})" in text


# --- files -------------------------------------------------------------------------

SAYS_NOTHING = ("utils", "util", "helper", "manager", "misc", "common", "base", "process")
COURSE = {"layer_utils", "data_utils", "vis_utils", "image_utils"}
"""Names that cs231n gave; a reader's notebook imports them."""


@every_module
def test_a_module_s_name_says_what_it_holds(module: str) -> None:
    words = module.rpartition(".")[2].split("_")
    assert module.rpartition(".")[2] in COURSE or not set(words) & set(SAYS_NOTHING)


def lines_of_code(tree: ast.Module, text: str) -> int:
    """Count lines that are neither blank, nor a comment, nor of a docstring."""
    lines = dict(enumerate(text.split("\n"), 1))
    for node in ast.walk(tree):
        holds = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if holds and node.body and isinstance(node.body[0], ast.Expr):
            first = node.body[0]
            if isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                for number in range(first.lineno, (first.end_lineno or 0) + 1):
                    lines.pop(number, None)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines.values())


@every_module
def test_a_file_can_be_read_in_one_sitting(module: str) -> None:
    text = FILES[module].read_text()
    assert lines_of_code(TREES[module], text) <= 400, "docstrings aside"


@every_module
def test_a_file_begins_with_what_it_is_for(module: str) -> None:
    text = ast.get_docstring(TREES[module])
    assert text
    assert len(text.split("\n")[0]) <= 96


UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "imp"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}


@every_module
def test_nothing_runs_what_a_file_or_a_user_names(module: str) -> None:
    assert {name.split(".")[0] for name in imports(module)} & UNSAFE_MODULES == set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in UNSAFE_CALLS, f"line {node.lineno}"
            for keyword in node.keywords:
                unsafe = keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False"
                assert not unsafe, f"line {node.lineno}"
                assert keyword.arg != "shell", f"line {node.lineno}"


@every_module
def test_what_a_module_offers_it_has(module: str) -> None:
    found = importlib.import_module(module) if module != "cnnpy.__main__" else None
    for name in getattr(found, "__all__", ()):
        assert hasattr(found, name)
