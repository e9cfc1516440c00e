from __future__ import annotations

import functools
import hashlib
import json
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pytest
from datasets.arrow_writer import ArrowWriter

from nliexplorer.data import build, connectivity, hub, sources
from nliexplorer.data.folders import canonical_split, split_of
from nliexplorer.data.loaded_split import LoadedSplit, from_examples
from nliexplorer.data.sources import (
    available_splits,
    default_split,
    list_sources,
    load_split,
    register,
)
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, Example
from tests.data.conftest import PAIRS, WORDS, generic
from tests.realdata import real_data


@pytest.mark.parametrize(
    ("name", "base", "full"),
    [
        ("dev.jsonl", "dev", "dev"),
        ("snli_1.0_dev.jsonl", "dev", "dev"),
        ("validation.csv.gz", "dev", "dev"),
        ("r1_test.csv", "test", "test"),
        ("train-00000-of-00002.parquet", "train", "train"),
        ("train_extra.jsonl", "train", "train-extra"),
        ("dev_matched.tsv", "dev", "dev-matched"),
        ("pairs.jsonl", "pairs", "pairs"),
    ],
)
def test_the_split_a_file_name_says(name: str, base: str, full: str) -> None:
    assert split_of(Path(name)) == (base, full)


def test_split_names_are_read_as_people_write_them() -> None:
    names = ["validation", "dev_r1", "Test", "flipped"]
    assert [canonical_split(name) for name in names] == ["dev", "dev-r1", "test", "flipped"]


def test_a_folder_serves_each_split_from_its_file(
    jsonl: Callable[..., str], tmp_path: Path
) -> None:
    jsonl(generic()[:3], "data/snli_1.0_train.jsonl")
    jsonl(generic(), "data/validation.jsonl")
    jsonl(generic(), "data/train_extra.jsonl")
    (tmp_path / "data" / "README.md").write_text("…")
    (tmp_path / "data" / "notes.txt").write_text("…")
    spec = str(tmp_path / "data")
    assert available_splits(spec) == ["train", "dev", "train-extra"]
    assert default_split(spec) == "dev"
    assert len(load_split(spec, "train")) == 3
    assert len(load_split(spec, "dev")) == len(load_split(spec, "validation")) == 4
    with pytest.raises(NliError, match="no split 'test'") as refused:
        load_split(spec, "test")
    assert "train, dev, train-extra" in refused.value.hint


def test_files_that_would_be_the_same_split_keep_their_names(
    jsonl: Callable[..., str], tmp_path: Path
) -> None:
    for name in ("r1_test", "r2_test"):
        jsonl(generic(), f"rounds/{name}.jsonl")
        jsonl(generic(), f"plain/{name}.jsonl")
    jsonl(generic()[:3], "plain/test.jsonl")
    assert available_splits(str(tmp_path / "rounds")) == ["r1-test", "r2-test"]
    assert available_splits(str(tmp_path / "plain")) == ["test", "r1-test", "r2-test"]
    assert len(load_split(str(tmp_path / "plain"), "test")) == 3


def test_shards_are_one_split_and_a_second_format_is_no_second_copy(
    jsonl: Callable[..., str], tmp_path: Path
) -> None:
    jsonl(generic(), "data/train-00000-of-00002.jsonl")
    jsonl(generic()[:3], "data/train-00001-of-00002.jsonl")
    (tmp_path / "data" / "dev.tsv").write_text("premise\thypothesis\tlabel\nA\tB\tneutral\n")
    jsonl(generic(), "data/dev.jsonl")
    assert len(load_split(str(tmp_path), "train")) == 7  # one level down, as in a hub clone
    assert len(load_split(str(tmp_path / "data"), "dev")) == 4


def test_a_file_serves_its_own_split_and_no_other(jsonl: Callable[..., str]) -> None:
    spec = jsonl(generic(), "snli_1.0_dev.sample.jsonl")
    assert available_splits(spec) == ["dev"]
    assert load_split(spec, "dev").split == "dev"
    assert load_split(spec, "dev-sample").split == "dev"
    with pytest.raises(NliError, match="no split 'train'"):
        load_split(spec, "train")
    plain = jsonl(generic(), "pairs.jsonl")
    assert available_splits(plain) == ["pairs"]
    assert default_split(plain) == "pairs"
    with pytest.raises(NliError, match="no split 'dev'"):
        load_split(plain, "dev")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("snlii", "unknown data source"),
        ("", "no data source"),
        ("nowhere/dev.jsonl", "no such file or folder"),
        ("nowhere/", "no such file or folder"),
        ("hans:", "names no path"),
        ("hans:nowhere", "no such file or folder"),
        ("hf:snli", "not a hub dataset"),
        ("snli?rate=1", "does not apply"),
        ("snli?labels=x", "not understood"),
        ("planted?labels=e,n,c", "does not apply"),
        ("snli?colour=red", "unknown option"),
        ("a\0b/c.jsonl", "not a path"),
    ],
)
def test_specs_that_name_nothing_are_refused(spec: str, message: str) -> None:
    with pytest.raises(NliError, match=message) as refused:
        load_split(spec, "dev")
    assert refused.value.hint


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NliError) as refused:
        load_split("snlii", "dev")
    assert all(source.name in refused.value.hint for source in list_sources())


def test_a_folder_of_several_data_sets_is_refused(
    jsonl: Callable[..., str], tmp_path: Path
) -> None:
    for name in ("original", "revised"):
        jsonl(generic(), f"{name}/dev.jsonl")
    with pytest.raises(NliError, match="several data sets") as refused:
        load_split(str(tmp_path), "dev")
    assert f"{tmp_path}/original, {tmp_path}/revised" in refused.value.hint


def test_withheld_labels_are_said_to_be_withheld(jsonl: Callable[..., str]) -> None:
    with pytest.raises(NliError, match="no usable pair") as refused:
        load_split(jsonl(generic(lambda _: -1), "test.jsonl"), "test")
    assert "withheld" in refused.value.hint


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="holds no data files"):
        load_split(str(tmp_path), "dev")


def test_a_source_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own:
        name, title, labels = "own", "made here", 3

        def splits(self, spec: Any) -> list[str]:
            return ["dev"]

        def load(self, spec: Any, split: str) -> LoadedSplit:
            return from_examples("own", split, [Example(*pair) for pair in PAIRS])

    monkeypatch.setattr(sources, "_REGISTRY", dict(sources._REGISTRY))
    register(Own())
    assert load_split("own", "dev").examples() == [Example(*pair) for pair in PAIRS]
    with pytest.raises(NliError, match="exists already"):
        register(Own())


def test_select_is_a_nested_random_subset_in_order(jsonl: Callable[..., str]) -> None:
    rows = [{"premise": f"P {i}", "hypothesis": "H", "label": i % 3} for i in range(300)]
    spec = jsonl(rows)
    whole = load_split(spec, "dev")
    small, large = (load_split(spec, "dev", samples=n, seed=7) for n in (50, 120))
    places = [int(row.premise.split()[1]) for row in small]
    assert len(set(places)) == 50
    assert places == sorted(places)
    assert (
        set(small) <= set(large)
        if False
        else set(places) <= {int(row.premise.split()[1]) for row in large}
    )
    assert small.fingerprint == load_split(spec, "dev", samples=50, seed=7).fingerprint
    assert small.fingerprint != load_split(spec, "dev", samples=50, seed=8).fingerprint
    assert abs(sum(places) / 50 - 149.5) < 40  # four standard errors
    assert load_split(spec, "dev", samples=301).fingerprint == whole.fingerprint


def test_the_fingerprint_is_of_contents_and_order() -> None:
    examples = [Example(*pair) for pair in PAIRS]

    def fingerprint(rows: list[Example]) -> str:
        return from_examples("x", "dev", rows).fingerprint

    rows = "".join(f"{len(p)}:{len(h)}:{label}:{p}{h}" for p, h, label in PAIRS)
    independent = hashlib.blake2b(rows.encode(), digest_size=16).hexdigest()
    assert fingerprint(examples) == independent == "c44aebc64d5e7a22c41a7791ba71292b"
    assert fingerprint(examples[::-1]) != fingerprint(examples)
    assert fingerprint([Example("ab", "c", 0)]) != fingerprint([Example("a", "bc", 0)])


def test_joined_splits_keep_every_row_and_refuse_other_labels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = from_examples("one", "train", [Example(*pair) for pair in PAIRS])
    two = from_examples("two", "train", [Example("A.", "B.", 1)])
    many = [Example(f"{number}.", "B.", number % 3) for number in range(40)]
    from_examples("many", "train", many).select(7, 0).joined(two)
    assert not capsys.readouterr().err  # no progress bar of the library's
    both = one.joined(two)
    assert both.examples() == [*one.examples(), *two.examples()]
    assert both.fingerprint == from_examples("x", "train", both.examples()).fingerprint
    with pytest.raises(NliError, match="only two labels"):
        one.joined(from_examples("hans", "train", [Example("A.", "B.", NON_ENTAILMENT)]))


def test_large_files_are_built_once_and_memory_mapped(
    jsonl: Callable[..., str], own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CACHE_FROM", 1)
    spec = jsonl([*generic(), {"premise": "A.", "hypothesis": "B.", "label": -1}])
    first = load_split(spec, "dev")
    assert first.rows.cache_files
    monkeypatch.setattr(build, "clean_rows", None)  # a second reading would fail
    again = load_split(spec, "dev")
    assert again.examples() == first.examples()
    assert (again.dropped, again.dropped_lines) == (first.dropped, first.dropped_lines)
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize("damage", ["truncate", "garble", "forget"])
def test_a_damaged_cache_is_built_again(
    jsonl: Callable[..., str], own_cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(build, "CACHE_FROM", 1)
    spec = jsonl(generic())
    examples = load_split(spec, "dev").examples()
    (arrow,) = (own_cache / "nliexplorer").glob("*.arrow")
    if damage == "truncate":
        arrow.write_bytes(arrow.read_bytes()[:100])
    elif damage == "garble":
        arrow.with_suffix(".json").write_text("{")
    else:
        arrow.unlink()
    assert load_split(spec, "dev").examples() == examples


def test_a_changed_file_is_not_served_from_the_cache(
    jsonl: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CACHE_FROM", 1)
    assert len(load_split(jsonl(generic()), "dev")) == 4
    assert len(load_split(jsonl(generic()[:3]), "dev")) == 3


def test_the_same_bytes_in_another_format_are_another_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CACHE_FROM", 1)
    for suffix in ("csv", "tsv"):
        text = 'premise\thypothesis\tlabel\n"A\tB\tneutral\n"C"\tD\te\n'
        (tmp_path / f"dev.{suffix}").write_text(text)
    assert load_split(str(tmp_path / "dev.tsv"), "dev")[0].premise == '"A'


def test_where_the_cache_cannot_be_written_the_table_is_in_memory(
    jsonl: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CACHE_FROM", 1)
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", blocked)
    loaded = load_split(jsonl(generic()), "dev")
    assert len(loaded) == 4
    assert not loaded.rows.cache_files


def saved(folder: Path, order: tuple[str, ...]) -> str:
    features = datasets.Features(
        premise=datasets.Value("string"),
        hypothesis=datasets.Value("string"),
        label=datasets.ClassLabel(names=list(order)),
    )
    rows = generic(lambda number: order.index(WORDS[number]))
    part = datasets.Dataset.from_list(rows, features=features)
    datasets.DatasetDict({"train": part, "validation": part}).save_to_disk(folder)
    return str(folder)


def test_a_saved_dataset_is_read_by_its_own_label_names(tmp_path: Path) -> None:
    spec = saved(tmp_path / "saved", ("contradiction", "entailment", "neutral"))
    assert available_splits(spec) == ["train", "dev"]
    loaded = load_split(spec, "dev")
    assert [(row.premise, row.hypothesis, row.label) for row in loaded] == PAIRS
    with pytest.raises(NliError, match="no split 'test'"):
        load_split(spec, "test")
    with pytest.raises(NliError, match="itself says"):
        load_split(f"{spec}?labels=entailment,neutral,contradiction", "dev")


def test_a_named_source_refuses_data_in_another_order(tmp_path: Path) -> None:
    path = saved(tmp_path / "saved", ("contradiction", "entailment", "neutral"))
    with pytest.raises(NliError, match="another order than snli publishes"):
        load_split(f"snli:{path}", "dev")


def test_a_damaged_saved_dataset_is_refused(tmp_path: Path) -> None:
    spec = saved(tmp_path / "saved", WORDS)
    for file in (tmp_path / "saved" / "validation").glob("*.arrow"):
        file.write_bytes(b"")
    with pytest.raises(NliError, match="not a sound saved dataset"):
        load_split(spec, "dev")
    (tmp_path / "saved" / "dataset_dict.json").write_text("{")
    with pytest.raises(NliError, match="not a sound saved dataset"):
        available_splits(spec)


def test_a_hub_dataset_through_load_dataset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    part = datasets.load_from_disk(
        saved(tmp_path / "saved", ("neutral", "entailment", "contradiction"))
    )
    asked = []

    def load_dataset(path: str, name: str | None, split: str, revision: str | None) -> Any:
        asked.append((path, name, split))
        return part[split]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda *_: ["train", "validation"])
    loaded = load_split("hf:someone/pairs:plain", "dev")
    assert [row.label for row in loaded] == [label for *_, label in PAIRS]
    assert asked == [("someone/pairs", "plain", "validation")]
    assert available_splits("hf:someone/pairs") == ["train", "dev"]


def test_a_hub_dataset_fetched_before_is_there_offline(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layout that `load_dataset` leaves in its cache, found again without the network."""
    part = datasets.load_from_disk(saved(tmp_path / "saved", WORDS))["validation"]
    folder = own_cache / "stanfordnlp___snli" / "plain_text" / "0.0.0" / "0123456789abcdef"
    folder.mkdir(parents=True)
    with ArrowWriter(path=str(folder / "snli-validation.arrow"), features=part.features) as writer:
        writer.write_table(part.data.table)
        writer.finalize()
    about = datasets.DatasetInfo(
        builder_name="parquet",
        dataset_name="snli",
        config_name="plain_text",
        version="0.0.0",
        features=part.features,
        splits=[{"name": "validation", "num_examples": len(part), "dataset_name": "snli"}],
    )
    about.write_to_directory(str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for spec in ("snli", "hf:stanfordnlp/snli"):
        assert [row.label for row in load_split(spec, "dev")] == [label for *_, label in PAIRS]


@pytest.mark.parametrize("spec", ["snli", "hans", "anli", "breaking-nli", "hf:someone/pairs"])
def test_an_unreachable_hub_is_said_at_once(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "answers", lambda _: False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    with pytest.raises(NliError, match="does not answer") as refused:
        load_split(spec, "test" if spec == "breaking-nli" else "dev")
    assert str(datasets.config.HF_DATASETS_CACHE) in refused.value.message
    assert "planted" in refused.value.hint
    assert not huggingface_hub.constants.HF_HUB_OFFLINE


def test_offline_mode_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NliError, match="HF_HUB_OFFLINE is set"):
        load_split("snli", "dev")


def test_a_refused_connection_counts_as_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert not connectivity.answers("http://127.0.0.1:9/")


@pytest.fixture
def web(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web server of our own, with a data file and a zip of it."""
    site = tmp_path / "site"
    site.mkdir()
    text = "gold_label\tsentence1\tsentence2\nneutral\tA.\tB.\n"
    (site / "set.txt").write_text(text)
    with zipfile.ZipFile(site / "set.zip", "w") as archive:
        archive.writestr("data/set.txt", text)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", own_cache / "downloads")
    monkeypatch.setattr(datasets.config, "EXTRACTED_DATASETS_PATH", own_cache / "extracted")
    handler = functools.partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("file", ["set.txt", "set.zip#data/set.txt"])
def test_a_set_fetched_from_its_authors_is_kept_for_offline_use(
    web: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [row["gold_label"] for _, row in hub.load_url(f"{web}/{file}", "set").rows()] == [
        "neutral"
    ]
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "answers", None)
    assert len(list(hub.load_url(f"{web}/{file}", "set").rows())) == 1


@pytest.mark.parametrize(
    "proxy",
    ["http://me:se#cret@proxy:80", "me:se#cret@proxy:80", "http://me:cret/x@proxy", "http://["],
)
def test_a_proxy_that_is_no_url_is_two_lines_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(NliError, match=r"HTTPS_PROXY\) is not a URL.*%23") as refused:
        load_split("hf:owner/nowhere", "dev")
    assert "cret" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_its_authors_have_taken_away_is_one_line(web: str) -> None:
    with pytest.raises(NliError, match="cannot load set from 127") as refused:
        hub.load_url(f"{web}/gone.txt", "set")
    assert "local copy" in refused.value.hint


def test_planted_comes_through_the_registry() -> None:
    planted = pytest.importorskip("nliexplorer.data.planted")
    loaded = load_split("planted?n=60&seed=3&rate=0.5", "flipped")
    assert loaded.examples() == planted.generate("flipped", n=60, seed=3, rate=0.5)
    assert available_splits("planted") == list(planted.SPLITS)
    assert default_split("planted") == "dev"
    with pytest.raises(NliError, match="no split"):
        load_split("planted", "nowhere")
    with pytest.raises(NliError, match="rate is not a number"):
        load_split("planted?rate=much", "dev")


def test_real_snli_folder() -> None:
    spec = str(real_data("snli"))
    train, dev = load_split(spec, "train"), load_split(spec, "dev")
    assert (len(train), len(dev)) == (37_929, 9_842)
    assert Counter(train.rows["label"]) == {0: 12_686, 1: 12_615, 2: 12_628}
    assert not train.dropped
    assert available_splits(spec) == ["train", "dev", "dev-sample", "train-extra"]


def test_real_original_snli_rows() -> None:
    path = real_data("snli", "snli_1.0_dev.sample.jsonl")
    loaded = load_split(str(path), "dev")
    lines = [json.loads(line)["gold_label"] for line in path.read_text("utf-8").splitlines()]
    unlabelled = [number for number, label in enumerate(lines, 1) if label == "-"]
    assert loaded.dropped == {"no usable label": len(unlabelled)}
    assert loaded.dropped_lines["no usable label"] == tuple(unlabelled[:5])
    assert len(loaded) == len(lines) - len(unlabelled)
    assert {len(row.annotator_labels) for row in loaded} <= {4, 5}
    # The majority of five is the gold label: the two were read by one and the same mapping.
    assert all(Counter(row.annotator_labels)[row.label] >= 3 for row in loaded)
