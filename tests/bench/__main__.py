"""`python -m tests.bench [NAME...]`: prints the ratios and writes `bench.json`."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

from tests import bench
from tests.bench.registry import BENCHES


def main() -> None:
    for module in pkgutil.iter_modules(bench.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"tests.bench.{module.name}")
    expected = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in expected if name not in BENCHES]:
        sys.exit(f"unknown bench: {', '.join(unknown)}; known: {', '.join(BENCHES)}")
    file = Path("bench.json")
    result = json.loads(file.read_text("utf-8")) if sys.argv[1:] and file.exists() else {}
    for name in expected:
        function, reach = BENCHES[name]
        result[name] = round(function(), 4)
        print(f"{name:<28} {result[name]:>8.3f}   reach {reach}", flush=True)
        file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
