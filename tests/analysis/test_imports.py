"""What a cold start of `compare` may load: importing scipy.stats alone takes longer than it."""

import subprocess
import sys

SCRIPT = """
import sys
from nliexplorer.analysis.outputs import outputs
from nliexplorer.analysis.significance import compare
from nliexplorer.view.tables import comparison_table
given = outputs([0, 1, 2], logits=[[1, 0, 0], [0, 1, 0], [0, 0, 1]])
comparison_table(compare(given, given))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_comparing_loads_no_slow_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert {"numpy", "rich", "nliexplorer"} <= loaded
    assert not loaded & {"torch", "transformers", "scipy", "sklearn", "matplotlib", "pandas"}
