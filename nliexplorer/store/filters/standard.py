"""The fields that every prediction has: labels, length, confidence, tags, texts; and settings."""

from __future__ import annotations

import math

from nliexplorer.records import GOLD_NAMES
from nliexplorer.store.filters.fields import Field, register
from nliexplorer.store.schema import MARGIN, P_GOLD

_OTHER = (
    "{{p}}.correct = {0} and exists (select 1 from predictions q where "
    "q.example_id = {{p}}.example_id and q.evaluation_id = {{counterpart}} and q.correct = {1})"
)
_DIFFERENCE = (
    f"((select {P_GOLD.replace('{p}', 'q')} from predictions q where "
    f"q.example_id = {{p}}.example_id and q.evaluation_id = {{other}}) - {P_GOLD})"
)
#: With a two-way head, neutral and contradiction are one.
_OTHERWISE = (
    "(case when 3 in (q.predicted, {p}.predicted) "
    "then (q.predicted = 0) <> ({p}.predicted = 0) else q.predicted <> {p}.predicted end)"
)
_IN_OTHERS = (
    "(select {} from json_each({{others}}) j join predictions q "
    "on q.example_id = {{p}}.example_id and q.evaluation_id = j.value where {})"
)
_CODES = {name: number for number, name in enumerate(GOLD_NAMES)}

for _field in (
    Field(
        "is",
        "right or wrong",
        "choice",
        "{p}.correct",
        values=("wrong", "right"),
        codes={"wrong": 0, "right": 1},
        sentence="{value}",
        flag="wrong/right",
        flag_help="Only errors, or only right answers.",
        bare=True,
        per_run=True,
        indexed=True,
    ),
    Field(
        "gold",
        "gold label",
        "choice",
        "{p}.gold",
        ("label",),
        GOLD_NAMES,
        _CODES,
        sentence="gold label {value}",
        flag="gold",
        flag_help="Only pairs with this gold label.",
        indexed=True,
    ),
    Field(
        "pred",
        "predicted label",
        "choice",
        "{p}.predicted",
        ("predicted", "prediction"),
        GOLD_NAMES,
        _CODES,
        sentence="predicted {value}",
        flag="predicted",
        flag_help="Only pairs predicted as this label.",
        per_run=True,
        indexed=True,
    ),
    Field(
        "len",
        "words of both sentences: 12, 10-20, >30",
        "whole",
        "{p}.length",
        ("length",),
        sentence="words {value}",
        flag="length",
        flag_help="{bound} this many words in premise and hypothesis together.",
        limits=(0, None),
        indexed=True,
    ),
    Field(
        "conf",
        "confidence: >=0.9, 0.5-0.8",
        "number",
        "{p}.confidence",
        ("confidence",),
        (">=0.9", "<0.5", ">", "<"),
        sentence="confidence {value}",
        flag="confidence",
        flag_help="{bound} this confidence.",
        limits=(0, 1),
        per_run=True,
        indexed=True,
    ),
    Field(
        "p-gold",
        "probability of the gold label",
        "number",
        P_GOLD,
        ("pgold", "p_gold"),
        sentence="P(gold) {value}",
        per_run=True,
        indexed=True,
    ),
    Field(
        "margin",
        "difference between the two largest probabilities",
        "number",
        MARGIN,
        per_run=True,
        indexed=True,
    ),
    Field(
        "loss",
        "cross-entropy of the gold label, nats",
        "number",
        f"negative_log({P_GOLD})",
        ("nll",),
        per_run=True,
        indexed=True,
        falls_with=P_GOLD,
        inverse=lambda loss: math.exp(-max(loss, -700.0)),
    ),
    Field(
        "difference",
        "P(gold) in the other run minus P(gold) here",
        "number",
        _DIFFERENCE,
        ("diff",),
        sentence="P(gold) of the other run minus P(gold) here {value}",
    ),
    Field(
        "answered",
        "whether the answer could be read",
        "choice",
        values=("yes", "no"),
        conditions={"yes": "{p}.predicted is not null", "no": "{p}.predicted is null"},
        sentence="answered: {value}",
        per_run=True,
        indexed=True,
    ),
    Field(
        "labelled",
        "whether there is a gold label",
        "choice",
        values=("yes", "no"),
        conditions={"yes": "{p}.gold is not null", "no": "{p}.gold is null"},
        sentence="gold label: {value}",
        indexed=True,
    ),
    Field(
        "truncated",
        "whether the pair was cut to the model's length",
        "choice",
        values=("yes", "no"),
        conditions={"yes": "{p}.truncated = 1", "no": "{p}.truncated = 0"},
        sentence="cut to the model's length: {value}",
        per_run=True,
        indexed=True,
    ),
    Field(
        "window",
        "the window of a long premise that decided, from 1",
        "whole",
        "{p}.window + 1",
        sentence="deciding window {value}",
        per_run=True,
        indexed=True,
    ),
    Field(
        "windows",
        "how many windows a long premise was read in",
        "whole",
        "{p}.windows",
        sentence="windows of the premise {value}",
        per_run=True,
        indexed=True,
    ),
    Field(
        "position",
        "place in the split, from 0",
        "whole",
        "{p}.position",
        ("pos",),
        indexed=True,
    ),
    Field(
        "fixed-by",
        "wrong here, right in that run",
        "run",
        _OTHER.format(0, 1),
        ("fixed", "fixed_by"),
        sentence="fixed by {value}",
        flag="fixed-by",
        flag_help="Wrong in this run, right in the other one.",
        indexed=True,
    ),
    Field(
        "broken-by",
        "right here, wrong in that run",
        "run",
        _OTHER.format(1, 0),
        ("broken", "broken_by"),
        sentence="broken by {value}",
        flag="broken-by",
        flag_help="Right in this run, wrong in the other one.",
        indexed=True,
    ),
    Field(
        "runs",
        "what this run and the others (b:RUN,RUN) predict: not all the same, or all of them wrong",
        "choice",
        values=("disagree", "all-wrong"),
        conditions={
            "disagree": f"exists {_IN_OTHERS.format('1', _OTHERWISE)}",
            "all-wrong": "{p}.correct = 0 and json_array_length({others}) = "
            + _IN_OTHERS.format("count(*)", "q.correct = 0"),
        },
        sentence="the runs: {value}",
        bare=True,
    ),
    Field(
        "tag",
        "pairs with this tag",
        "word",
        "{p}.example_id in (select example_id from tags where tag = {value})",
        ("tags",),
        sentence="tagged {value}",
        flag="tag",
        flag_help="Only pairs with this tag; several: with all of them.",
        several=True,
        indexed=True,
    ),
    Field(
        "id",
        "beginning of the example id",
        "prefix",
        # "g" comes after every hexadecimal digit
        "{p}.example_id in (select id from examples where key >= {value} and key < {value} || 'g')",
        ("example",),
        sentence="id {value}…",
        flag="id",
        flag_help="Only pairs whose id begins with this.",
        indexed=True,
    ),
    Field(
        "meta",
        "a column that came with the data",
        "any",
        "(select json_extract(x.extra, {argument}) from examples x where x.id = {p}.example_id)",
        sentence="{name} {value}",
        argument="COLUMN",
        several=True,
    ),
    Field(
        "note",
        "words of the note on the pair",
        "search",
        "{p}.example_id in (select n.example_id from notes n where {match:n.text})",
        ("notes",),
        sentence="note with {value}",
        several=True,
        indexed=True,
    ),
    Field(
        "premise",
        "words of the premise",
        "search",
        sentence="premise with {value}",
        several=True,
        indexed=True,
    ),
    Field(
        "hypothesis",
        "words of the hypothesis",
        "search",
        sentence="hypothesis with {value}",
        several=True,
        indexed=True,
    ),
    Field(
        "text",
        'words of the pair, a quoted "phrase", or a /regular expression/',
        "search",
        aliases=("contains",),
        sentence="with {value}",
        flag="contains",
        flag_help='Text search: words or their beginnings, or "a phrase"; several: all of them.',
        several=True,
        indexed=True,
    ),
    Field(
        "b",
        "the other runs, separated by commas: b.conf: and the like refer to the first",
        "setting",
        aliases=("other",),
    ),
    Field("sort", "order; - for largest first", "setting", aliases=("order",)),
    Field("limit", "at most this many pairs", "setting"),
):
    register(_field)
