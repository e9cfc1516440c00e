"""`explore` opens in a blink: no torch, transformers, scikit-learn or matplotlib on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import sys
from pathlib import Path
from nliexplorer.tui.snapshot import snapshot
for screen in ("runs", "examples", "training", "attributions"):
    snapshot(Path(sys.argv[1]), screen, size=(80, 24))
heavy = {"torch", "transformers", "datasets", "captum", "sklearn", "matplotlib"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_no_torch_until_the_probe(database: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(database)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
