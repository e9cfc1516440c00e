"""One self-contained HTML page: no script, no network, nothing outside the file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from nliexplorer import __version__
from nliexplorer.analysis.metric_specs import SOFT_METRICS, spec_of
from nliexplorer.analysis.significance import MetricDifference
from nliexplorer.analysis.slices import q_family
from nliexplorer.analysis.soft_labels import SOFT_FAMILY
from nliexplorer.analysis.verdict import BETTER, FEW_PAIRS, UNDECIDED, WORSE
from nliexplorer.report.caveats import caveats, config_differences, late_saturation
from nliexplorer.report.data import ReportData
from nliexplorer.report.figures import Figure
from nliexplorer.view.bars import seconds
from nliexplorer.view.metric_text import change, figure, interval
from nliexplorer.view.palette import DARK, LIGHT, STEPS, Palette, heat_mark, signed
from nliexplorer.view.tables import number, p_value
from nliexplorer.view.text import visible
from nliexplorer.workflow.provenance import versions


def render(
    data: ReportData, drawn: Sequence[tuple[Figure, Path | None]], command: str, made_at: str
) -> str:
    """The page as HTML; `drawn` has each figure's SVG, None where it is missing."""
    pictures: list[dict[str, Any]] = [
        {
            "figure": figure,
            "source": None if path is None else _data_uri(path),
            # all at one scale, so that their type has one size
            "width": round(figure.drawing.get_figwidth() * 96) if figure.drawing else 0,
        }
        for figure, path in drawn
    ]
    return (
        _environment()
        .get_template("page.html")
        .render(
            data=data,
            a=data.sides[0],
            b=data.sides[1],
            comparison=data.comparison,
            verdict=verdict(data),
            caveats=caveats(data),
            settings=config_differences(data.runs[0].config, data.runs[1].config),
            saturation=[late_saturation(side) for side in data.sides],
            table_one=[_table_row(row) for row in data.comparison.metrics],
            slice_reach=_reach(data),
            few_pairs=FEW_PAIRS,
            soft_labels=_soft_rows(data),
            q_family=q_family(data.slices),
            q_family_surprising=q_family(data.surprising),
            pictures={each["figure"].name: each for each in pictures},
            beyond=[each for each in pictures if each["figure"].name.startswith("figS3")],
            style=_text("style.css"),
            heat=_heat_rules(),
            legend=[(step, heat_mark(step)) for step in range(-STEPS, STEPS + 1)],
            command=command,
            made_at=made_at,
            version=__version__,
            versions=_versions(data),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": lambda value: visible(str(value)),
        "prose": _prose,
        "place": _place,
        "count": lambda value: f"{value:,}",
        "number": number,
        "verdict": lambda row: _CLASSES.get(row.verdict, ""),
        "p": p_value,
        "seconds": seconds,
        "percent": lambda value, digits=1: "–" if value is None else f"{value * 100:.{digits}f}",
        "points": lambda value, digits=1: signed(value * 100, digits),
        "signed": signed,
    }
    return environment


def _prose(text: str) -> Markup:
    """Escaped, with `commands` between backticks set as code that does not break."""
    parts = escape(visible(text)).split("`")
    return Markup("").join(
        Markup('<code class="whole">{}</code>').format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def _place(name: object) -> str:
    """A model or source by name; a local path by its last two parts."""
    path = PurePath(str(name))
    return str(name) if not path.is_absolute() else f"…/{'/'.join(path.parts[1:][-2:])}"


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _data_uri(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def verdict(data: ReportData) -> str:
    """The answer in a sentence, by the verdict on the difference in accuracy."""
    decided = data.comparison.metric("accuracy").verdict
    if decided == UNDECIDED:
        return "These pairs show no difference in accuracy between the two models."
    better, name = ("B", data.comparison.b) if decided == BETTER else ("A", data.comparison.a)
    return (
        f"On these pairs {better}, {visible(name)}, is right more often, beyond what chance "
        "explains."
    )


_CLASSES = {BETTER: "good", WORSE: "bad"}


def _table_row(row: MetricDifference) -> Mapping[str, Any]:
    """A line of Table 1 as text, and its interval as shares of the line's own reach."""
    spec = spec_of(row.name)
    made: dict[str, Any] = {
        "name": f"{spec.label}, {spec.unit}" if spec.unit else spec.label,
        "a": figure(spec, row.a),
        "b": figure(spec, row.b),
        "delta": change(spec, row.delta),
        "interval": "",
        "drawn": None,
        "verdict": _CLASSES.get(row.verdict, ""),
    }
    if row.delta is not None and row.ci_low is not None and row.ci_high is not None:
        made["interval"] = interval(spec, row.ci_low, row.ci_high)
        flip = -1.0 if spec.lower_is_better else 1.0
        low, high = sorted((row.ci_low * flip, row.ci_high * flip))
        reach = max(abs(low), abs(high)) * 1.08 or 1.0
        made["drawn"] = (low / reach, row.delta * flip / reach, high / reach)
    return made


def _soft_rows(data: ReportData) -> dict[str, Any] | None:
    """The table of figures against the annotators' labels; None where no run has them."""
    soft = data.soft_labels
    if soft is None:
        return None
    rows: Sequence[MetricDifference] = soft.differences[0]
    if not rows:  # one of the two has labels alone
        a, b = soft.metrics
        rows = [
            MetricDifference(name, getattr(a, name, None), getattr(b, name, None), None)
            for name in SOFT_METRICS
        ]
    return {"n": soft.n, "rows": [_table_row(row) for row in rows], "family": SOFT_FAMILY}


def _reach(data: ReportData) -> float:
    """The end of the one axis on which all slices' differences are drawn."""
    rows = [row for row in (*data.slices, *data.surprising) if row.n >= FEW_PAIRS]
    return max((max(abs(r.ci_low), abs(r.ci_high)) for r in rows), default=0.0) * 1.05 or 1.0


def _heat_rules() -> str:
    """CSS of the eleven steps, for light and dark grounds."""
    light, dark = _steps(LIGHT), _steps(DARK)
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _steps(palette: Palette) -> str:
    rules = []
    for step in (s for s in range(-STEPS, STEPS + 1) if s):
        style = palette.heat(step)
        assert style.bgcolor is not None
        assert style.color is not None
        name = f"{'p' if step > 0 else 'm'}{abs(step)}"
        rules.append(f".{name}{{background:{style.bgcolor.name};color:{style.color.name}}}")
    return "\n".join(rules)


def _versions(data: ReportData) -> list[tuple[str, str, str, str]]:
    """(package, with this report, with a, with b); packages that made none of them left out."""
    made = [dict(run.summary.get("versions") or {}) for run in data.runs]
    here = versions()
    names = list(dict.fromkeys([*here, *made[0], *made[1]]))
    return [(n, here.get(n, "–"), made[0].get(n, "–"), made[1].get(n, "–")) for n in names]
