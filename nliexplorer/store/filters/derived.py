"""Fields read from a pair's texts and annotators, its attribution, and the run's training."""

from __future__ import annotations

from nliexplorer.annotators import TIE
from nliexplorer.records import GOLD_NAMES
from nliexplorer.store.filters.fields import Field, register

# The newest attribution of the gold class, where there is a choice.
_ATTRIBUTION = (
    "(select {} from attributions a where a.example_id = {{p}}.example_id "
    "and a.run_id = {{run}} order by a.target_kind, a.id desc limit 1)"
)
_ATTRIBUTED = "select a.example_id from attributions a where a.run_id = {run}"
_TRAINING = (
    "(select {} from dynamics d where d.run_id = {{run}} and d.example_id = {{p}}.example_id)"
)
_MEAN = "avg(gold_probability)"
_SPREAD = f"max(avg(gold_probability * gold_probability) - {_MEAN} * {_MEAN}, 0.0)"
_FORGOTTEN = (
    "(select sum(coalesce(was, 0) and not correct) from ("
    "select correct, lag(correct) over (order by epoch) as was "
    "from dynamics d where d.run_id = {run} and d.example_id = {p}.example_id))"
)
# As analysis.dynamics.DatasetMap.region: the most variable third is ambiguous, the rest is split
# at a mean of 0.5; pairs that miss an epoch are in no region.
_REGION = f"""{{p}}.example_id in (
    select example_id from (
        select example_id, mean, percent_rank() over (order by spread) as rank from (
            select example_id, {_MEAN} as mean, round({_SPREAD}, 12) as spread,
                   count(*) as epochs
            from dynamics where run_id = {{run}} group by example_id
        ) where epochs = (select count(distinct epoch) from dynamics where run_id = {{run}})
    ) where {{value}} = case when rank > 2.0 / 3 + 1e-9 then 'ambiguous'
                           when mean >= 0.5 then 'easy-to-learn' else 'hard-to-learn' end)"""

register(
    Field(
        "overlap",
        "share of hypothesis words that occur in the premise",
        "number",
        "{p}.overlap",
        indexed=True,
        of_pair=True,
    )
)
register(
    Field(
        "agreement",
        "share of annotators who gave the gold label; above 1: of five",
        "number",
        "{p}.agreement",
        indexed=True,
        of_pair=True,
        former_scale=5,
    )
)
register(
    Field(
        "annotator-entropy",
        "entropy of the annotators' labels, nats",
        "number",
        "{p}.annotator_entropy",
        ("human-entropy",),
        indexed=True,
        of_pair=True,
    )
)
register(
    Field(
        "majority",
        "the label that most annotators gave",
        "choice",
        "{p}.majority",
        values=(*GOLD_NAMES, "tie"),
        codes={**{name: code for code, name in enumerate(GOLD_NAMES)}, "tie": TIE},
        sentence="most annotators: {value}",
        indexed=True,
        of_pair=True,
    )
)
register(
    Field(
        "negation",
        "a negating word in the hypothesis",
        "choice",
        "{p}.negation",
        values=("yes", "no"),
        codes={"yes": 1, "no": 0},
        sentence="negation in the hypothesis: {value}",
        indexed=True,
        of_pair=True,
    )
)
for _name, _help, _column in (
    ("variance", "variance of the attributions over words, as the penalty takes it", "variance"),
    ("entropy", "entropy of the attributions' magnitudes, nats", "entropy"),
    ("gini", "Gini coefficient of the attributions' magnitudes", "gini"),
    ("premise-share", "part of the attribution on the premise", "premise_share"),
    ("hypothesis-share", "part of the attribution on the hypothesis", "hypothesis_share"),
    ("special-share", "part of the attribution on special tokens", "special_share"),
    ("completeness", "how far the attribution misses its sum, logits", "abs(completeness_delta)"),
):
    register(
        Field(
            _name,
            _help,
            "number",
            _ATTRIBUTION.format(_column),
            per_run=True,
            indexed=True,
            among=_ATTRIBUTED,
        )
    )
register(
    Field(
        "top-word",
        "the word with the largest attribution",
        "word",
        _ATTRIBUTION.format("lower(a.top_word)") + " = lower({value})",
        sentence="largest attribution on {value}",
        per_run=True,
        indexed=True,
        among=_ATTRIBUTED,
    )
)
register(
    Field(
        "map",
        "region of the dataset map, of recorded training pairs",
        "choice",
        _REGION,
        ("region",),
        ("hard-to-learn", "easy-to-learn", "ambiguous"),
        sentence="{value} on the dataset map",
        needs="dynamics",
    )
)
for _name, _help, _sql in (
    ("learnt", "mean P(gold) over the epochs", _TRAINING.format(_MEAN)),
    (
        "variability",
        "standard deviation of P(gold) over the epochs",
        _TRAINING.format(f"square_root({_SPREAD})"),
    ),
    ("forgotten", "how often an epoch was wrong after a right one", _FORGOTTEN),
):
    register(Field(_name, _help, "number", _sql, needs="dynamics"))
register(
    Field(
        "hypothesis-only",
        "a model that never sees the premise is right, or wrong (the hard subset); fitted out of "
        "fold on the whole split",
        "choice",
        "({p}.example_id in (select value from json_each({fitted}))) = ({value} = 'right')",
        ("alone",),
        ("right", "wrong"),
        sentence="hypothesis-only model {value}",
        fit="nliexplorer.workflow.hypothesis_only_field:solved_without_premise",
    )
)
