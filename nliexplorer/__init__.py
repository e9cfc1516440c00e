"""Train NLI models with an attribution-variance penalty, and see why they are wrong.

What `__all__` names is the public Python API; everything else may change without notice. Names are
imported when they are first used: reading a database needs no torch.

>>> import nliexplorer
>>> nliexplorer.PathPenaltyConfig(lambda_=0.3).penalty
'variance'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nliexplorer.attribution.differentiable import integrated_gradients
    from nliexplorer.config import PathPenaltyConfig
    from nliexplorer.errors import NliError
    from nliexplorer.library import Store
    from nliexplorer.training.path_penalty import PathPenalty
    from nliexplorer.training.trainer import IGTrainer

__version__ = "0.2.0"
__all__ = [
    "IGTrainer",
    "NliError",
    "PathPenalty",
    "PathPenaltyConfig",
    "Store",
    "integrated_gradients",
]

_MODULES = {
    "IGTrainer": "training.trainer",
    "NliError": "errors",
    "PathPenalty": "training.path_penalty",
    "PathPenaltyConfig": "config",
    "Store": "library",
    "integrated_gradients": "attribution.differentiable",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
