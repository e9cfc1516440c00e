"""The study: which runs it is made of, that nothing is made twice, and what its tables say."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel

from nliexplorer.analysis.arms import adjusted, arm_rows
from nliexplorer.attribution.methods import attribute
from nliexplorer.data.planted import generate
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import load_classifier
from nliexplorer.records import Attribution, Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.view.tables_study import NOT_SIGNIFICANT, sentences
from nliexplorer.workflow.study.files import write_study
from nliexplorer.workflow.study.measuring import _planted, _plausibility
from nliexplorer.workflow.study.plan import PARTS, Plan, Task, load_plan
from nliexplorer.workflow.study.results import HALVES, BlockResult, HardPairs, collect_results
from nliexplorer.workflow.study.running import run_plan
from nliexplorer.workflow.study.stored import is_whole, stored_runs
from tests.databases import metrics, predictions

TINY = {
    "data": "planted?n=60",
    "train_samples": 60,
    "eval_samples": 30,
    "max_steps": 3,
    "device": "cpu",
}


def small(tmp_path: Path, seeds: Sequence[int] = (0, 1)) -> Plan:
    """The planted part at a size for tests."""
    plan = load_plan("planted", {**TINY, "output_dir": str(tmp_path / "models")}, seeds=seeds)
    return replace(plan, attributed=6, judged=2)


class Maker:
    """Stands in for `make_run`: stores a finished run at once, counts, and can break off."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.stop_after: int | None = None
        self.refuse = ""

    def __call__(self, db: Path, plan: Plan, task: Task) -> None:
        if self.stop_after == len(self.made):
            raise KeyboardInterrupt
        if self.refuse and task.name.startswith(self.refuse):
            raise NliError("the loss is not finite", "lower it")
        rows = generate("dev", n=30)
        seed = task.config.seed + 10 * len(task.name)
        with StoreWriter(db) as writer:
            run = writer.create_run(
                name=task.name,
                objective=task.config.objective,
                data=task.config.data,
                model="tiny",
                seed=task.config.seed,
                config=task.config.as_dict(),
                summary={"study_key": task.key},
            )
            for split in task.config.eval_splits:
                model_predictions = predictions(rows, seed)
                writer.store_evaluation(
                    run.id, split, rows, model_predictions, metrics(rows, model_predictions)
                )
            values = {"variance": 0.1 + 0.01 * seed, "artefact_share": 0.1}
            values |= {"attributed": plan.attributed, "judged": plan.judged}
            writer.finish_run(
                run.id, status="done", train_seconds=1.0, summary={"measures": values}
            )
        self.made.append(task.name)


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.mark.parametrize("part", PARTS)
def test_every_arm_of_a_plan_is_a_configuration_of_its_own(part: str) -> None:
    plan = load_plan(part)
    keys = [task.key for task in plan.tasks()]
    assert len(set(keys)) == len(keys) == sum(len(arm.seeds) for arm in plan.arms.values())
    for arm in plan.arms.values():
        for other in filter(None, (arm.against, arm.start)):
            assert set(arm.seeds) <= set(plan.arms[other].seeds)


def test_a_key_is_of_what_is_computed_and_not_of_where(tmp_path: Path) -> None:
    here, there = load_plan("planted"), load_plan("planted", {"output_dir": str(tmp_path)})
    assert [task.key for task in here.tasks()] == [task.key for task in there.tasks()]
    longer = load_plan("planted", {"epochs": 5})
    assert not {task.key for task in here.tasks()} & {task.key for task in longer.tasks()}
    # an arm that goes on from another changes with it, by no path of its own
    tuned, base = here.arms["tuned-exact"], here.arms["baseline"]
    assert here.task(tuned, 0).start == here.task(base, 0).key
    assert tuned.config.epochs == longer.arms["tuned-exact"].config.epochs == 1
    assert here.task(tuned, 0).key != longer.task(tuned, 0).key


def test_the_strength_part_makes_no_run_of_the_planted_part_again() -> None:
    planted, strength = ({t.key for t in load_plan(part).tasks()} for part in PARTS[:2])
    # baseline, exact, exact-1; the first two at 0.8; exact, fine-tuned with alpha auto
    assert len(planted & strength) == 6 * 5


def test_real_arms_take_the_pairs_that_are_given() -> None:
    plan = load_plan("real", {"data": "pairs.jsonl", "augment": "revised.tsv"})
    assert plan.arms["real-counterfactual"].config.augment == "revised.tsv"
    assert plan.arms["real-baseline"].config.augment == ""
    assert {arm.config.data for arm in plan.arms.values()} == {"pairs.jsonl"}


def test_the_second_part_has_the_first_parts_controls_and_stresses_the_given_data() -> None:
    first, second = (load_plan(part, {"data": "pairs.jsonl"}) for part in ("real", "second-real"))
    keys = {task.name: task.key for task in first.tasks()}
    shared = {task.name for task in second.tasks() if keys.get(task.name) == task.key}
    assert {f"real-{arm}-s0" for arm in ("baseline", "counterfactual", "more-pairs")} <= shared
    assert "stress-negation:pairs.jsonl" in second.also
    given = load_plan("second-real", {"augment": "revised.tsv"})
    assert given.arms["real-counterfactual-edits"].config.augment == "revised.tsv"


@pytest.mark.parametrize("part", ["second-planted", "second-real"])
def test_what_adds_a_loss_is_compared_with_the_same_data_without_it(part: str) -> None:
    plan = load_plan(part)
    losses = [
        arm
        for arm in plan.arms.values()
        if arm.config.penalised or arm.config.contrast or arm.config.gradient_supervision
    ]
    assert len(losses) >= 4
    for arm in losses:
        control = plan.arms[arm.against].config
        for key in ("data", "train_samples", "augment", "epochs", "lr"):
            assert getattr(arm.config, key) == getattr(control, key), (arm.name, key)


def test_nothing_is_made_twice(tmp_path: Path, maker: Maker) -> None:
    plan, db = small(tmp_path), tmp_path / "runs.db"
    whole = len(plan.tasks())
    maker.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, db, make=maker)
    assert len(maker.made) == 5
    maker.stop_after = None
    assert run_plan(plan, db, make=maker).made == whole - 5
    again = run_plan(plan, db, make=maker)
    assert (again.made, len(maker.made)) == (0, whole)
    assert len(set(maker.made)) == whole
    # another seed is all that is missing of a longer study
    run_plan(small(tmp_path, (0, 1, 2)), db, make=maker)
    assert {name.rpartition("-s")[2] for name in maker.made[whole:]} == {"2"}


def test_an_arm_brings_what_it_is_compared_with(tmp_path: Path, maker: Maker) -> None:
    run_plan(small(tmp_path, (0,)), tmp_path / "runs.db", arms=["tuned-exact"], make=maker)
    assert maker.made == ["baseline-s0", "tuned-baseline-s0", "tuned-exact-s0"]
    with pytest.raises(NliError, match="unknown arm"):
        run_plan(small(tmp_path), tmp_path / "runs.db", arms=["magic"], make=maker)


def test_a_plan_without_attributions_takes_what_was_not_measured(
    tmp_path: Path, maker: Maker
) -> None:
    db = tmp_path / "runs.db"
    plan = load_plan("planted", {**TINY, "output_dir": str(tmp_path)}, seeds=(0,), attributed=0)
    run_plan(plan, db, arms=["baseline"], make=maker)
    assert run_plan(plan, db, arms=["baseline"], make=maker).made == 0
    asking = replace(plan, attributed=6)
    assert not is_whole(stored_runs(db)[plan.task(plan.arms["baseline"], 0).key], asking)


def test_what_depends_on_a_failed_run_is_left_and_the_rest_is_made(
    tmp_path: Path, maker: Maker
) -> None:
    plan, db = small(tmp_path, (0,)), tmp_path / "runs.db"
    maker.refuse = "strong-baseline"
    result = run_plan(plan, db, make=maker)
    assert set(result.failed) == {
        "strong-baseline-s0",
        "strong-tuned-baseline-s0",
        "strong-tuned-exact-s0",
    }
    assert "exact-s0" in maker.made
    maker.refuse = ""
    assert not run_plan(plan, db, make=maker).failed


def test_a_stranger_of_that_name_is_not_taken_for_a_run_of_the_study(
    tmp_path: Path, maker: Maker
) -> None:
    db = tmp_path / "runs.db"
    with StoreWriter(db) as writer:
        writer.create_run(name="baseline-s0", objective="baseline", data="none", model="tiny")
    with pytest.raises(NliError, match="trained with other settings"):
        run_plan(small(tmp_path), db, make=maker)
    assert not maker.made


def test_sets_that_are_not_there_are_refused_before_anything_is_trained(
    tmp_path: Path, maker: Maker
) -> None:
    plan = replace(small(tmp_path), also=("planted#flopped",))
    with pytest.raises(NliError, match="planted has no split 'flopped'"):
        run_plan(plan, tmp_path / "runs.db", make=maker)
    assert not maker.made


def test_rows_are_paired_by_seed(tmp_path: Path, maker: Maker) -> None:
    plan, db = small(tmp_path, (0, 1, 2)), tmp_path / "runs.db"
    run_plan(plan, db, arms=["exact", "embedding"], make=maker)
    result = collect_results(plan, db)
    assert (result.done, result.planned) == (9, len(plan.tasks()))
    (block,) = result.blocks
    assert block.arms == ["baseline", "embedding", "exact"]
    with StoreReader(db) as reader:
        accuracies = {
            run.name: run.metrics["flipped"].accuracy for run in reader.runs.all() if run.metrics
        }
    base, exact = ([accuracies[f"{arm}-s{i}"] for i in range(3)] for arm in ("baseline", "exact"))
    row = next(
        r for r in block.rows if (r.arm, r.set, r.metric) == ("exact", "flipped", "accuracy")
    )
    assert row.mean == pytest.approx(np.mean(exact))
    assert row.delta == pytest.approx(np.mean(exact) - np.mean(base))
    assert row.p == pytest.approx(ttest_rel(exact, base).pvalue)
    assert row.q is not None
    assert row.q >= row.p
    assert row.n == 30
    hard = [r for r in block.rows if r.set == "dev, hard"]
    assert len(hard) == 3
    assert all(row.delta is None for row in block.rows if row.arm == "baseline")


def test_halves_are_disjoint_and_make_the_whole(tmp_path: Path, maker: Maker) -> None:
    plan, db = small(tmp_path), tmp_path / "runs.db"
    run_plan(plan, db, arms=["exact"], make=maker)
    whole, search, report = (
        {
            (r.arm, r.set, r.metric): r
            for b in collect_results(plan, db, half).blocks
            for r in b.rows
        }
        for half in (None, *HALVES)
    )
    for key, row in whole.items():
        if key[2] != "accuracy":
            continue
        one, other = search[key], report[key]
        assert one.n
        assert other.n
        assert row.n == one.n + other.n
        assert row.mean * row.n == pytest.approx(one.mean * one.n + other.mean * other.n)
    with pytest.raises(NliError, match="unknown half"):
        collect_results(plan, db, "better")


def test_hard_means_the_same_to_an_arm_with_more_pairs(tmp_path: Path, maker: Maker) -> None:
    plan, db = small(tmp_path, (0,)), tmp_path / "runs.db"
    run_plan(plan, db, arms=["baseline"], make=maker)
    with StoreReader(db) as reader:
        (run,) = reader.runs.all()
        rows = reader.predictions.arrays(reader.runs.evaluation(run.id, "dev")).example_ids
        more = replace(run, config={**run.config, "train_samples": 500})
        known = HardPairs(reader, plan).of(run, rows)
        again = HardPairs(reader, plan).of(more, rows)
    assert known is not None
    assert np.array_equal(known, again)


def test_words_that_people_marked_are_measured_where_a_set_has_them(tmp_path: Path) -> None:
    """On the set besides the first one; planted rationales are of the corpus, not of people."""
    classifier = load_classifier("tiny", fresh_head=True, device="cpu")
    rows = generate("dev", n=8)
    predicted = dict(attribute(classifier, rows, target="predicted", steps=2))
    mark = {"premise": [0], "hypothesis": [1]}
    marked = [
        replace(row, label=predicted[at].target, extra={"highlights": [mark, mark]})
        for at, row in enumerate(rows)
    ]
    with StoreWriter(tmp_path / "runs.db") as writer:
        run = writer.create_run(
            name="a", objective="baseline", data="planted", model="tiny",
            config={"eval_splits": ["dev"]},
        )  # fmt: skip
        for split, pairs in (("dev", rows), ("marked", marked)):
            model_predictions = predictions(pairs, 0)
            writer.store_evaluation(
                run.id, split, pairs, model_predictions, metrics(pairs, model_predictions)
            )
    with StoreReader(tmp_path / "runs.db") as reader:
        run = reader.runs.get(run.id)
    result = _plausibility(classifier, tmp_path / "runs.db", run)
    assert {"plausibility AUPRC", "plausibility AUPRC, random"} <= set(result)
    assert all(0 <= value <= 1 for value in result.values())
    assert not _plausibility(classifier, tmp_path / "runs.db", replace(run, metrics={}))


def test_files(tmp_path: Path, maker: Maker) -> None:
    plan, db, out = small(tmp_path), tmp_path / "runs.db", tmp_path / "out"
    with pytest.raises(NliError, match="no finished run"):
        collect_results(plan, db)
    run_plan(plan, db, arms=["exact"], make=maker)
    paths = write_study([collect_results(plan, db)], out)
    names = {path.name for path in paths}
    assert {"study.md", "study.csv", "study.json", "planted-changes.svg"} <= names
    assert "planted-attributions.png" in names
    document = json.loads((out / "study.json").read_text())
    assert document["parts"][0]["done"] == 4
    with (out / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["arm"] for row in rows} == {"baseline", "exact"}
    assert "| exact (2) |" in (out / "study.md").read_text()


def test_the_sentence_says_what_the_interval_does() -> None:
    values = {seed: {("dev", "accuracy"): 0.9 + 0.001 * seed} for seed in range(5)}
    better = {seed: {("dev", "accuracy"): 0.95 + 0.002 * seed} for seed in range(5)}
    rows = adjusted(
        [
            *arm_rows("base", values),
            *arm_rows("up", better, "base", values, {"dev": 100}),
            *arm_rows("same", {s: values[4 - s] for s in values}, "base", values),
        ]
    )
    up, same = sentences(BlockResult("b", rows))
    assert up.startswith("up is better than base on dev: +5.2 [")
    assert "n 100, 5 seeds" in up
    assert same.startswith(f"same: {NOT_SIGNIFICANT}: dev ")


def test_a_share_on_planted_words() -> None:
    """Two of four words planted, with three quarters of the attribution."""
    words = ("a", "b", "c", "d")
    attribution = Attribution(
        tokens=("[CLS]", *words),
        segments=("special", "premise", "hypothesis", "hypothesis", "hypothesis"),
        word_ids=(None, 0, 0, 1, 2),
        spans=((0, 0), (0, 1), (0, 1), (2, 3), (4, 5)),
        scores=(9.0, 1.0, -2.0, 0.0, 1.0),
        target=0,
    )
    example = Example("a", "b c d", 0, artefact=(0, 2))
    assert _planted(example, attribution) == (0.75, 0.5)


@pytest.mark.slow
def test_a_study_that_trains(tmp_path: Path) -> None:
    """Two at a time; an arm that goes on from another starts from its weights."""
    plan, db = small(tmp_path), tmp_path / "runs.db"
    arms = ["exact", "tuned-exact"]
    assert run_plan(plan, db, arms=arms, jobs=2).made == 8
    assert run_plan(plan, db, arms=arms).made == 0
    with StoreReader(db) as reader:
        runs = {run.name: run for run in reader.runs.all()}
    assert {run.status for run in runs.values()} == {"done"}
    assert runs["tuned-exact-s1"].config["model"] == runs["baseline-s1"].checkpoint
    for run in runs.values():
        assert set(run.metrics) == {"dev", "flipped", "clean"}
        measured = run.summary["measures"]
        assert 0 < measured["artefact_share"] < 1
        assert measured["variance"] > 0
        assert "comprehensiveness" in measured
    result = collect_results(plan, db)
    assert {row.metric for row in result.blocks[0].rows} >= {"artefact_even", "cpu_seconds"}


@pytest.mark.slow
def test_ctrl_c_saves_what_the_workers_train(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    command = [sys.executable, "-m", "nliexplorer", "study", "--jobs", "2", "--seed", "0"]
    command += ["--arm", "exact", "--db", str(db), "--output-dir", str(tmp_path / "models")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("exact-s0: step"):
                process.send_signal(signal.SIGINT)
                break
        messages = process.stderr.read()
    assert process.returncode == 130
    assert "run the same command to continue the study" in messages
    with StoreReader(db) as reader:
        runs = {run.name: run for run in reader.runs.all()}
        steps = {run.id: len(reader.dynamics.steps(run.id)) for run in runs.values()}
    assert runs["exact-s0"].status == "interrupted"
    assert {run.status for run in runs.values()} <= {"interrupted", "done"}  # the other may be
    assert steps[runs["exact-s0"].id] > 0
    for run in runs.values():  # the other may be trained already, or not have begun
        if run.status == "interrupted" and run.train_seconds is None and steps[run.id]:
            assert list((tmp_path / "models" / run.id / "steps").glob("checkpoint-*"))
