"""README.md of a checkpoint folder, as the Hugging Face Hub reads it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from nliexplorer.analysis.bootstrap import basic_interval, percentile_interval
from nliexplorer.analysis.intervals import wilson
from nliexplorer.analysis.metric_specs import METRIC_SPECS
from nliexplorer.analysis.metrics import metrics_of
from nliexplorer.analysis.outputs import Outputs
from nliexplorer.comparison.pairs import outputs_of
from nliexplorer.config import TrainConfig, load_config
from nliexplorer.privacy import without_secrets
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader

_METRICS = ("accuracy", "roc_auc_macro", "nll", "brier", "ece")
_RESAMPLES = 200
_LOCAL = ("tiny", "minilm")
_CARD = """\
---
library_name: transformers
pipeline_tag: text-classification
language: en
tags: [natural-language-inference, nliexplorer]
{base}---

# {name}

An NLI classifier ({labels}), trained with nliexplorer on `{data}`, seed {seed}.

## Objective

{objective}
{recipe}
## Evaluation

| split | pairs | {heading} |
|---|---|{rules}
{rows}

In brackets: 95 % intervals over pairs (Wilson's for accuracy, else {resamples} bootstrap
resamples). They do not cover other seeds.

## Use

```python
from transformers import pipeline
classify = pipeline("text-classification", model="FOLDER_OR_HUB_ID", top_k=None)
classify({{"text": "A man sleeps.", "text_pair": "Nobody is asleep."}})
```

## Repeat

```
{command}
```
"""


def write_model_card(reader: StoreReader, run: Run, config: TrainConfig, folder: Path) -> Path:
    """The card of a run's checkpoint: data, objective, metrics with intervals, how to repeat."""
    rows = []
    for evaluation in reader.runs.evaluations(run.id):
        outputs = outputs_of(reader.predictions.arrays(evaluation))
        if outputs.n:
            cells = " | ".join(_cells(outputs))
            rows.append(f"| {evaluation.split} | {outputs.n:,} | {cells} |")
    model = config.model if config.model not in _LOCAL and config.model.count("/") == 1 else ""
    hub_id = model if model and not Path(model).exists() else ""
    text = _CARD.format(
        base=f"base_model: {hub_id}\n" if hub_id else "",
        name=run.name,
        labels=", ".join(_labels(folder)),
        data=without_secrets(config.data),
        seed=config.seed,
        objective=_objective(config, run.summary.get("training", {})),
        recipe=_recipe(config),
        heading=" | ".join(METRIC_SPECS[name].label for name in _METRICS),
        rules="---|" * len(_METRICS),
        rows="\n".join(rows),
        resamples=_RESAMPLES,
        command=run.command,
    )
    card = folder / "README.md"
    card.write_text(text, "utf-8")
    return card


def _labels(folder: Path) -> list[str]:
    """The names of the checkpoint's outputs, in their order."""
    names = json.loads((folder / "config.json").read_text("utf-8"))["id2label"]
    return [names[output] for output in sorted(names, key=int)]


def _objective(config: TrainConfig, training: Any) -> str:
    if not config.penalised:
        return "Cross-entropy alone."
    alpha = training.get("alpha") or config.alpha
    settings = {
        "gradient": config.penalty_gradient,
        "estimator": config.ig_estimator,
        "nodes": training.get("ig_steps") or config.ig_steps,
        "tokens": config.variance_over,
    }
    return (
        f"Cross-entropy + {config.lambda_:g} · tanh({alpha:g} · V), V the batch mean of the "
        f"penalty `{config.penalty}` on the Integrated Gradients of the gold class "
        f"(`{json.dumps(settings)}`)."
    )


def _recipe(config: TrainConfig) -> str:
    """What the study says of the preset `robust`, for a model that was trained as it says."""
    robust = load_config("robust")
    keys = ("penalty", "rationales", "ig_path")
    if not config.penalised or any(getattr(config, key) != getattr(robust, key) for key in keys):
        return ""
    text = (files("nliexplorer.presets") / "robust.md").read_text("utf-8")
    return f"\n## What the recipe gains and costs\n\n{text}"


def _cells(outputs: Outputs) -> list[str]:
    """`value [low, high]` of each metric in its unit; `–` where it is not defined."""
    draws = np.random.default_rng(0)
    resamples = [
        metrics_of(outputs.take(draws.integers(0, outputs.n, outputs.n))) for _ in range(_RESAMPLES)
    ]
    whole = metrics_of(outputs)
    cells = []
    for name in _METRICS:
        value, spec = getattr(whole, name), METRIC_SPECS[name]
        if value is None:
            cells.append("–")
            continue
        known = [getattr(each, name) for each in resamples]
        values = np.array([each for each in known if each is not None])
        if name == "accuracy":
            low, high = (float(end) for end in wilson(outputs.correct.sum(), outputs.n))
        elif name == "ece":  # resampling biases it upwards
            low, high = basic_interval(values, value)
        else:
            low, high = percentile_interval(values)
        shown = [f"{each * spec.factor:.{spec.digits}f}" for each in (value, max(low, 0.0), high)]
        cells.append(f"{shown[0]} [{shown[1]}, {shown[2]}]{' %' if spec.unit == '%' else ''}")
    return cells
