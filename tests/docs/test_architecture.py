"""docs/architecture.md names the packages and functions that there are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import nliexplorer

PACKAGE = Path(nliexplorer.__file__).parent
TEXT = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
PLAN = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
#: `store.filters.sql.compile_filter` and the like: a module of ours and, perhaps, a name in it.
DOTTED = sorted(set(re.findall(r"`((?:\w+\.)+\w+)`", TEXT)))


def exists(name: str) -> bool:
    """Whether a module, or a name in one, can be imported from the package."""
    module, _, attribute = name.rpartition(".")
    try:
        importlib.import_module(f"nliexplorer.{name}")
    except ModuleNotFoundError:
        try:
            container = importlib.import_module(f"nliexplorer.{module}")
        except ModuleNotFoundError:
            outer, _, class_name = module.rpartition(".")
            container = getattr(importlib.import_module(f"nliexplorer.{outer}"), class_name)
        return hasattr(container, attribute)
    return True


def test_the_plan_has_every_package_and_no_other() -> None:
    assert PLAN
    words = set(re.findall(r"\b[a-z]+\b", PLAN[1]))
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"presets"}
    assert packages <= words
    layers = [line.split("  ")[0] for line in PLAN[1].splitlines() if line and "->" not in line]
    named = {name for layer in layers for name in re.findall(r"\w+", layer)}
    assert all((PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file() for name in named)


@pytest.mark.parametrize("name", [name for name in DOTTED if not name.endswith((".md", ".py"))])
def test_names_exist(name: str) -> None:
    if name.split(".")[0] in ("reader", "import-linter"):  # an object, not a module
        pytest.skip("not a module's name")
    assert exists(name)
