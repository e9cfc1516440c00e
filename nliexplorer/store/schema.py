"""The database: one SQLite file, readable with plain `sqlite3` and Datasette.

    runs ──┬─< steps            one row per optimiser update (CE, V, penalty, saturation, ...)
           ├─< validations      metrics on the first dev split while training
           ├─< dynamics >── examples   per-epoch training predictions, when recorded
           ├─< evaluations ──< predictions >── examples   one run on one set of pairs
           │                         └── answers    a chat model's answer as text, if any
           └─< attributions >── examples    one per (run, pair, method, baseline, target, steps)
    examples ──< tags, notes         annotations of a pair
    filters                          saved slices: a name and a filter text
    examples_fts                     full-text index over premise and hypothesis

    view  attribution_tokens         one row per token, with run, split, labels and score
    view  attribution_words          the same, pieces merged to words in lower case, scores summed
    view  prediction_labels          predictions with label names and texts

Labels are integers in the order of `records.LABELS`; 3 = non-entailment (two-label sets, two-way
heads). NULL: a pair without gold label, a prediction without an answer that could be read.
`examples.key` is a content address, equal in every database; times are ISO 8601 in UTC.
An attribution whose pair the run predicted in two splits appears in both: name the split.
"""

from __future__ import annotations

import sqlite3

#: "NLIE": marks the file as ours (PRAGMA application_id).
APPLICATION_ID = 0x4E4C4945
#: PRAGMA user_version of a database of this schema; see `store.migrations`.
SCHEMA_VERSION = 4

#: P(gold label) of the row {p} of predictions; of non-entailment, and with a two-way head, neutral
#: and contradiction are one. An index has it, and serves these very words alone.
P_GOLD = (
    "(case {p}.gold when 0 then {p}.p_entailment "
    "when 1 then coalesce({p}.p_neutral, {p}.p_non_entailment) "
    "when 2 then coalesce({p}.p_contradiction, {p}.p_non_entailment) "
    "when 3 then coalesce({p}.p_non_entailment, {p}.p_neutral + {p}.p_contradiction) end)"
)
#: The difference between the two largest probabilities; likewise.
MARGIN = (
    "coalesce(max({p}.p_entailment, {p}.p_neutral, {p}.p_contradiction) - "
    "max(min({p}.p_entailment, {p}.p_neutral), "
    "min(max({p}.p_entailment, {p}.p_neutral), {p}.p_contradiction)), "
    "abs({p}.p_entailment - {p}.p_non_entailment))"
)

_P_GOLD, _MARGIN = (each.replace("{p}.", "") for each in (P_GOLD, MARGIN))

TABLES = f"""
create table runs (
    id text primary key,               -- 8 hex digits
    name text not null unique,
    objective text not null,           -- baseline | ig-variance | imported | external
    status text not null check (status in ('running', 'done', 'interrupted', 'failed')),
    data text not null,
    model text not null,
    seed integer,
    created_at text not null,
    updated_at text not null,
    train_seconds real,
    total_steps integer,               -- planned updates, for the live ETA
    command text not null default '',  -- repeats the run
    checkpoint text not null default '',
    config text not null default '{{}}', -- JSON: config.TrainConfig.as_dict()
    summary text not null default '{{}}' -- JSON: versions, fingerprints, dropped rows, remarks
);

create table steps (
    run_id text not null references runs(id) on delete cascade,
    step integer not null,
    epoch real not null,
    ce real not null,                  -- cross-entropy, nats
    total real not null,               -- ce + penalty
    learning_rate real not null,
    variance real,                     -- V, before the tanh
    penalty real,                      -- lambda * tanh(alpha * V)
    saturation real,                   -- tanh(alpha * V)
    completeness_delta real,           -- mean |delta| of the batch, logits
    grad_norm real,
    seconds real,
    primary key (run_id, step)
) without rowid;

create table validations (
    run_id text not null references runs(id) on delete cascade,
    step integer not null,
    epoch real not null,
    n integer not null,
    accuracy real,
    roc_auc_macro real, roc_auc_neutral real, nll real, brier real, ece real,
    eval_seconds real,
    unanswered integer not null default 0,
    unlabelled integer not null default 0,
    primary key (run_id, step)
) without rowid;

create table evaluations (
    id integer primary key,
    run_id text not null references runs(id) on delete cascade,
    split text not null,               -- 'dev', or 'DATA:SPLIT' for other data than the run's own,
                                       -- with '@2', '@3', ... for another set of the same name
    fingerprint text not null default '',  -- records.pairs_fingerprint of its pairs, once complete
    classes integer not null default 3 check (classes in (2, 3)),  -- 2: a two-way head's
    complete integer not null default 0,  -- 0 while predictions are still being written
    created_at text not null,
    n integer not null default 0,      -- all its predictions; figures are of the scored ones
    accuracy real,
    roc_auc_macro real, roc_auc_neutral real, nll real, brier real, ece real,
    eval_seconds real,
    unanswered integer not null default 0,  -- predictions without an answer
    unlabelled integer not null default 0   -- answered ones without a gold label
);
-- one complete evaluation a split; a new one replaces it only once it is complete itself
create unique index evaluations_complete on evaluations (run_id, split) where complete;
create index evaluations_run on evaluations (run_id, split);

create table examples (
    id integer primary key,
    key text not null unique,          -- records.example_key: 16 hex digits
    premise text not null,
    hypothesis text not null,
    gold integer check (gold between 0 and 3),  -- NULL: unlabelled
    length integer not null,           -- whitespace words of premise + hypothesis
    source_id text not null default '',
    annotator_labels text,             -- JSON list of labels
    premise_rationale text,            -- JSON list of word indices
    hypothesis_rationale text,
    artefact text,                     -- JSON list: planted artefact words of the hypothesis
    extra text,                        -- JSON object
    -- what filters look up of a pair, computed from the above: see store.computed_columns
    overlap real,                      -- NULL: not computed yet
    negation integer,
    agreement real,                    -- these NULL without several annotators
    annotator_entropy real,
    majority integer
);
create index examples_overlap on examples (overlap);
create index examples_negation on examples (negation);
create index examples_agreement on examples (agreement) where agreement is not null;
create index examples_entropy on examples (annotator_entropy) where annotator_entropy is not null;
create index examples_majority on examples (majority) where majority is not null;

create table predictions (
    id integer primary key,
    evaluation_id integer not null references evaluations(id) on delete cascade,
    example_id integer not null references examples(id),
    position integer not null,         -- order within the split
    gold integer,                      -- copies from examples: every filter reads one table
    length integer not null,
    predicted integer check (predicted between 0 and 3),  -- NULL: no answer
    correct integer check (correct in (0, 1)),  -- NULL: no answer, or no gold label
    confidence real,                   -- probability of the decision: Prediction.confidence
    p_entailment real, p_neutral real, p_contradiction real,
    logit_entailment real, logit_neutral real, logit_contradiction real,
    p_non_entailment real, logit_non_entailment real,  -- of two-way heads
    truncated integer check (truncated in (0, 1)),  -- the model saw less than the pair
    window integer,                    -- which window of a long premise decided, from 0
    windows integer                    -- of how many
);
create unique index predictions_position on predictions (evaluation_id, position);
create unique index predictions_example on predictions (example_id, evaluation_id);
create index predictions_gold on predictions (evaluation_id, gold, position);
create index predictions_predicted on predictions (evaluation_id, predicted, position);
create index predictions_correct on predictions (evaluation_id, correct, position);
create index predictions_length on predictions (evaluation_id, length, position);
create index predictions_confidence on predictions (evaluation_id, confidence, position);
create index predictions_gold_probability on predictions (
    evaluation_id, {_P_GOLD}, position);
create index predictions_margin on predictions (evaluation_id, {_MARGIN}, position);
create index predictions_truncated on predictions (evaluation_id, truncated, position)
    where truncated is not null;
create index predictions_window on predictions (evaluation_id, window + 1, position)
    where window is not null;
create index predictions_windows on predictions (evaluation_id, windows, position)
    where windows is not null;

create table answers (
    prediction_id integer primary key references predictions(id) on delete cascade,
    answer text not null default '',       -- what the model wrote
    explanation text not null default ''
);

create table attributions (
    id integer primary key,
    run_id text not null references runs(id) on delete cascade,
    example_id integer not null references examples(id),
    method text not null,
    baseline text not null,
    steps integer not null,
    target integer not null check (target between 0 and 3),  -- the class explained
    target_kind text not null check (target_kind in ('gold', 'predicted', 'label')),
    tokens text not null,              -- JSON lists, one element a word piece
    segments text not null,            -- premise | hypothesis | special
    word_ids text not null,
    spans text not null,               -- [start, end] characters in premise or hypothesis
    scores text not null,
    completeness_delta real,
    truncated integer not null default 0,
    variance real, entropy real, gini real,
    premise_share real, hypothesis_share real, special_share real,
    top_word text,
    window integer, windows integer,   -- as in predictions: the window attributed
    unique (run_id, example_id, method, baseline, steps, target)
);
create index attributions_example on attributions (example_id, run_id);
create index attributions_variance on attributions (run_id, variance);

create table dynamics (
    run_id text not null references runs(id) on delete cascade,
    example_id integer not null references examples(id),
    epoch integer not null,
    gold_probability real not null,
    correct integer not null,
    primary key (run_id, example_id, epoch)
) without rowid;
create index dynamics_example on dynamics (example_id);

create table tags (
    example_id integer not null references examples(id),
    tag text not null,
    created_at text not null,
    primary key (example_id, tag)
) without rowid;
create index tags_tag on tags (tag, example_id);

create table notes (
    example_id integer primary key references examples(id),
    text text not null,
    updated_at text not null
);

create table filters (
    name text primary key,
    query text not null,
    created_at text not null
) without rowid;
"""

SEARCH = """
create virtual table examples_fts using fts5(
    premise, hypothesis, content='examples', content_rowid='id', tokenize='unicode61',
    prefix='2 3'  -- words are found while they are being typed
);
create trigger examples_ai after insert on examples begin
    insert into examples_fts (rowid, premise, hypothesis)
    values (new.id, new.premise, new.hypothesis);
end;
create trigger examples_ad after delete on examples begin
    insert into examples_fts (examples_fts, rowid, premise, hypothesis)
    values ('delete', old.id, old.premise, old.hypothesis);
end;
create trigger examples_au after update of premise, hypothesis on examples begin
    insert into examples_fts (examples_fts, rowid, premise, hypothesis)
    values ('delete', old.id, old.premise, old.hypothesis);
    insert into examples_fts (rowid, premise, hypothesis)
    values (new.id, new.premise, new.hypothesis);
end;
"""

_LABEL = (
    "case {0} when 0 then 'entailment' when 1 then 'neutral' "
    "when 2 then 'contradiction' when 3 then 'non-entailment' end"
)

# An attribution with its run's prediction; left joins, since there may be none.
_ATTRIBUTED = """
from attributions a
join runs r on r.id = a.run_id
join examples x on x.id = a.example_id
left join predictions p on p.example_id = a.example_id
     and p.evaluation_id in (select id from evaluations v where v.run_id = a.run_id and v.complete)
left join evaluations v on v.id = p.evaluation_id
"""

VIEWS = f"""
create view prediction_labels as
select r.name as run, r.objective, v.split, x.key as example_id, x.premise, x.hypothesis,
       {_LABEL.format("p.gold")} as gold, {_LABEL.format("p.predicted")} as predicted,
       p.correct, p.confidence, p.length, p.position
from predictions p
join evaluations v on v.id = p.evaluation_id and v.complete
join runs r on r.id = v.run_id
join examples x on x.id = p.example_id;

create view attribution_tokens as
select r.name as run, r.objective, v.split, x.key as example_id,
       {_LABEL.format("x.gold")} as gold, {_LABEL.format("p.predicted")} as predicted, p.correct,
       {_LABEL.format("a.target")} as target, a.target_kind, a.method, a.baseline, a.steps,
       t.key as position, t.value as token,
       json_extract(a.segments, '$[' || t.key || ']') as segment,
       json_extract(a.word_ids, '$[' || t.key || ']') as word,
       json_extract(a.spans, '$[' || t.key || '][0]') as span_start,
       json_extract(a.spans, '$[' || t.key || '][1]') as span_end,
       json_extract(a.scores, '$[' || t.key || ']') as score,
       a.completeness_delta, a.run_id, a.id as attribution
{_ATTRIBUTED}
join json_each(a.tokens) t;

create view attribution_words as
select t.run, t.objective, t.split, t.example_id, t.gold, t.predicted, t.correct,
       t.target, t.target_kind, t.method, t.baseline, t.steps, t.segment,
       min(t.position) as position,
       lower(substr(case t.segment when 'premise' then x.premise else x.hypothesis end,
                    min(t.span_start) + 1, max(t.span_end) - min(t.span_start))) as word,
       sum(t.score) as score, t.completeness_delta, t.run_id, t.attribution
from attribution_tokens t
join examples x on x.key = t.example_id
where t.word is not null and t.segment <> 'special'
group by t.attribution, t.split, t.segment, t.word;
"""


def statements(*scripts: str) -> list[str]:
    """The statements of SQL scripts: `executescript` would commit an open transaction."""
    whole: list[str] = []
    statement = ""
    for line in "".join(scripts).splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            whole.append(statement.strip())
            statement = ""
    return whole
