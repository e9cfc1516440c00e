"""The reference is what the code says, and every public thing is in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import nliexplorer
from nliexplorer import config
from nliexplorer.attribution.methods import METHODS
from nliexplorer.cli.lazy import COMMANDS, load_command
from nliexplorer.config import DEBIASING, ESTIMATORS
from nliexplorer.data.sources import list_sources
from nliexplorer.store.filters import FIELDS
from nliexplorer.training.debias import METHODS as METHODS_OF_DEBIASING
from nliexplorer.training.experts import EXPERTS
from nliexplorer.training.penalties import PENALTIES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale(generate: ModuleType) -> None:
    assert generate.stale() == [], "run: python docs/generate.py"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("commands", [f"## nliexplorer {name}" for name in COMMANDS]),
        ("filters", [f"`{name}" for name in FIELDS]),
        ("penalties", [f"`{name}`" for name in PENALTIES]),
        ("attribution-methods", [f"`{name}`" for name in METHODS]),
        ("data-sources", [f"`{source.name}`" for source in list_sources()]),
        ("python", [f"## {name}" for name in nliexplorer.__all__]),
        ("penalties", [f"`{name}`" for name in ESTIMATORS]),
        ("debiasing", [f"`{name}`" for name in (*DEBIASING, *EXPERTS)]),
    ],
)
def test_every_entry_is_in_the_reference(page: str, names: list[str]) -> None:
    text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name: str) -> None:
    command = load_command(name)
    for each in [command, *getattr(command, "commands", {}).values()]:
        assert each.help
        assert all(getattr(p, "help", None) for p in each.params if p.name != "help"), each.name
    examples = [c for c in getattr(command, "commands", {"": command}).values() if c.help]
    assert any("nliexplorer " in (each.help or "") for each in examples), "no example"


def test_help_lists_every_penalty() -> None:
    assert set(config.PENALTIES) == set(PENALTIES)


def test_help_lists_every_debiasing_method() -> None:
    assert list(DEBIASING) == list(METHODS_OF_DEBIASING)
