"""What may be imported where; the contracts between packages are in pyproject.toml."""

import graphlib
import subprocess
import sys

import grimp

SCRIPT = """
import sys
from nliexplorer.analysis.outputs import outputs
from nliexplorer.analysis.significance import compare_to_first
from nliexplorer.view.tables import comparison_table
run = outputs([0, 1, 2], logits=[[1, 0, 0], [0, 1, 0], [0, 0, 1]])
comparison_table(*compare_to_first((run, run), names=("a", "b")))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_comparing_loads_no_slow_library() -> None:
    """Importing scipy.stats alone would take longer than `compare`."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert {"numpy", "rich", "nliexplorer"} <= loaded
    assert not loaded & {"torch", "transformers", "scipy", "sklearn", "matplotlib", "pandas"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions count too."""
    graph = grimp.build_graph("nliexplorer", exclude_type_checking_imports=True)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 100
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError
