"""Hold the docstrings of all public functions and classes against numpydoc's rules.

Walks the names in ``__all__`` of every public room, and prints one line a finding.
Exits with 1 where there is one.

    python tools/validate_docstrings.py
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator

from numpydoc.validate import validate

# The rooms that a user imports from; what only other rooms use may be shorter.
PUBLIC = (
    "cnnpy.contract",
    "cnnpy.reference",
    "cnnpy.functional",
    "cnnpy.backends.registry",
    "cnnpy.nn",
    "cnnpy.nn.initializers",
    "cnnpy.nn.architecture",
    "cnnpy.optim",
    "cnnpy.models",
    "cnnpy.data",
    "cnnpy.data.augment",
    "cnnpy.data.mixing",
    "cnnpy.check",
    "cnnpy.check.reports",
    "cnnpy.train",
    "cnnpy.insight",
    "cnnpy.plot",
    "cnnpy.report",
    "cnnpy.sklearn",
    "cnnpy.cs231n.layers",
    "cnnpy.cs231n.fast_layers",
    "cnnpy.cs231n.layer_utils",
    "cnnpy.cs231n.optim",
    "cnnpy.cs231n.solver",
    "cnnpy.cs231n.gradient_check",
    "cnnpy.cs231n.data_utils",
    "cnnpy.cs231n.vis_utils",
    "cnnpy.cs231n.classifiers.cnn",
    "cnnpy.cs231n.classifiers.fc_net",
)

IGNORED = {
    "ES01": "an extended summary where there is something to extend",
    "SA01": "see-also sections age; the names are close together",
    "EX01": "examples stand with functions that a reader would try",
    "GL01": "the summary stands on the line of the quotes",
    "GL02": "so does the end of a one-line docstring",
    "GL03": "blank lines between sections are ruff's to judge",
    "RT02": "dx, dy : type names two values of one type",
    "RT03": "a return value's description may begin as a code word",
    "SS05": "the mood is for the reader to judge",
    "PR06": "types are written as a user says them",
    "PR08": "descriptions may begin with a letter that is a name: m, C",
    "PR09": "ruff's to judge",
    "YD01": "a generator says what it yields in Yields",
}


def public_objects() -> Iterator[tuple[str, object]]:
    """Yield the full name of each public function, class and method, with itself."""
    seen: set[int] = set()
    for room in PUBLIC:
        found = importlib.import_module(room)
        for name in found.__all__:
            thing = getattr(found, name)
            if not (inspect.isfunction(thing) or inspect.isclass(thing)) or id(thing) in seen:
                continue
            seen.add(id(thing))
            yield f"{thing.__module__}.{name}", thing
            if inspect.isclass(thing):
                for method_name, method in vars(thing).items():
                    if inspect.isfunction(method) and not method_name.startswith("_"):
                        yield f"{thing.__module__}.{name}.{method_name}", method


def takes_over_its_constructor(thing: object) -> bool:
    """Tell whether a class leaves its constructor, and its parameters, to the one above."""
    if not inspect.isclass(thing):
        return False
    return "__init__" not in vars(thing) or getattr(thing, "_is_protocol", False)


def is_short_override(name: str, thing: object) -> bool:
    """Tell whether a method's one line stands for the docstring of the class above."""
    doc = inspect.getdoc(thing) or ""
    if name.count(".") < 3 or "\n" in doc or not doc:
        return False
    owner = getattr(sys.modules[thing.__module__], name.split(".")[-2], None)
    method = name.split(".")[-1]
    above = owner.__mro__[1:-1] if inspect.isclass(owner) else ()
    return any(method in vars(kind) for kind in above)


def main() -> int:
    """Print the findings."""
    findings = checked = 0
    for name, thing in public_objects():
        if is_short_override(name, thing):
            continue
        checked += 1
        for code, text in validate(name)["errors"]:
            if code == "PR01" and takes_over_its_constructor(thing):
                continue
            if code not in IGNORED:
                findings += 1
                print(f"{name}: {code} {text}")
    print(f"{checked} docstrings, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
