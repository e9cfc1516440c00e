"""Models not trained here: a folder or hub id, evaluated and explained without training.

Its first evaluation makes it a run with objective `external`, and from then on it is a run like any
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nliexplorer import processes
from nliexplorer.data.sources import default_split, load_split
from nliexplorer.errors import NliError
from nliexplorer.modeling.checkpoints import locate
from nliexplorer.modeling.heads import split_spec
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.progress import say
from nliexplorer.records import GOLD_NAMES, Run
from nliexplorer.run_summary import RunSummary
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.evaluate import Forward, evaluate_pairs, split_key, store_evaluation
from nliexplorer.workflow.provenance import command_line, provenance
from nliexplorer.workflow.run_models import EXTERNAL, load_run
from nliexplorer.workflow.store_sink import main_writer
from nliexplorer.workflow.weights import weights_digest

#: Maximum tokens per pair, where neither the user nor the checkpoint sets a lower limit.
MAX_LENGTH = 512


def named_run(db: Path, reference: str) -> Run | None:
    """The run that `reference` names; None where it names none and may name a model."""
    if not db.exists() and _may_be_model(reference):
        return None
    with StoreReader(db) as reader:
        try:
            run = reader.runs.get(reference)
        except NliError as error:
            if _may_be_model(reference):
                return None
            raise NliError(
                error.message, f"{error.hint}; or name a model: a folder or OWNER/NAME"
            ) from None
    if Path(reference).is_dir():
        say(f"{reference} is a run and a folder: taken as the run; the folder is ./{reference}")
    return run


def _may_be_model(reference: str) -> bool:
    name, _ = split_spec(reference)
    return name in ("minilm", "tiny") or "/" in name or Path(name).expanduser().is_dir()


def named_classifiers(
    db: Path, references: Sequence[str], device: str = "auto", max_length: int | None = None
) -> list[tuple[str, Classifier]]:
    """(name, model) of each run or model; the database need not exist where all are models."""
    classifiers = []
    for reference in references:
        run = named_run(db, reference)
        if run is not None:
            if max_length:
                raise NliError(
                    f"--max-length is for models, and {reference} is a run", "leave it out"
                )
            classifiers.append((run.name, load_run(run, device)))
        else:
            limit = max_length or MAX_LENGTH
            model = load_classifier(reference, device=device, max_length=limit)
            classifiers.append((_short_name(reference), model))
    return classifiers


def evaluate_model(
    db: Path,
    spec: str,
    data: str | None,
    split: str | None,
    how: Forward | None = None,
    *,
    samples: int = 0,
    name: str = "",
    max_length: int | None = None,
    replace: bool = False,
) -> tuple[str, str]:
    """A model's evaluation as a run: (run id, the evaluation's name). One model is one run.

    Nothing is stored before every pair is predicted.
    """
    how = how or Forward()
    processes.start(cpu=how.device == "cpu")
    if data is None:
        raise NliError(
            f"{spec} is a model, which comes without data",
            f"name the data to evaluate it on: nliexplorer evaluate {spec} --data snli",
        )
    split_name = split or default_split(data)
    rows = load_split(data, split_name, samples=samples)
    limit = max_length or MAX_LENGTH
    classifier = load_classifier(spec, device=how.device, max_length=limit)
    label = name or _short_name(spec)
    folder = locate(split_spec(spec)[0]).absolute()
    digest = weights_digest(folder)
    evaluated = evaluate_pairs(classifier, rows, split_name, how, label=label)
    with main_writer(db) as writer:
        if writer is None:
            return processes.broadcast(("", ""))
        run = _known(db, digest, classifier, name)
        if run is None:
            run = _created(writer, spec, data, classifier, folder, digest, name)
        else:
            say(f"{spec} is run {run.name}")
        key = split_key(data, split_name, run.data)
        key = store_evaluation(writer, run, key, evaluated, overwrite=replace)
        writer.finish_run(run.id, status="done")
        return processes.broadcast((run.id, key))


def _known(db: Path, digest: str, classifier: Classifier, name: str) -> Run | None:
    """The run that already holds this model with the same labels, length and, if given, name."""
    with StoreReader(db) as reader:
        for run in reader.runs.all():
            same = run.config.get("labels") == _labels(classifier)
            same = same and run.config.get("max_length") == classifier.max_length
            if run.objective == EXTERNAL and run.summary.get("weights_sha256") == digest and same:
                return run if name in ("", run.name) else None
    return None


def _created(
    writer: StoreWriter,
    spec: str,
    data: str,
    classifier: Classifier,
    folder: Path,
    digest: str,
    name: str,
) -> Run:
    run = writer.create_run(
        name=name or _free_name(writer.path, _short_name(spec)),
        objective=EXTERNAL,
        data=data,
        model=spec,
        config={"labels": _labels(classifier), "max_length": classifier.max_length},
        command=command_line(),
        summary=RunSummary(**provenance(), weights_sha256=digest),
    )
    writer.finish_run(run.id, status="running", checkpoint=str(folder))
    return run


def _free_name(db: Path, stem: str) -> str:
    """`stem`, or with the first number behind it that makes it free."""
    with StoreReader(db) as reader:
        taken = {run.name for run in reader.runs.all()}
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)


def _labels(classifier: Classifier) -> str:
    """The meaning of the outputs in their own order, as `?labels=` takes it."""
    of_output = sorted(zip(classifier.label_order, classifier.classes, strict=True))
    return ",".join(GOLD_NAMES[label] for _, label in of_output)


def _short_name(spec: str) -> str:
    return Path(split_spec(spec)[0].rstrip("/")).name or spec
