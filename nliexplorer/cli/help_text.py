"""How help reads: values named by what they mean, paragraphs as wide as the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from typer.core import TyperArgument

#: Metavars by parameter name, where a command sets none itself.
METAVARS = {
    # what to work on
    "data": "SOURCE", "augment": "SOURCE", "source": "CORPUS", "model": "MODEL", "runs": "RUN",
    "resume": "RUN", "split": "SPLIT", "train_split": "SPLIT", "eval_splits": "SPLIT,…",
    "premise": "SENTENCE", "hypothesis": "SENTENCE", "contains": "WORDS", "tag": "TAG",
    "filter_": "FILTER", "labels": "NAME,…", "predicted_labels": "NAME,…",
    # how to train
    "arm": "ARM", "seed": "SEED", "preset": "PRESET", "config": "FILE.toml", "debias": "METHOD",
    "epochs": "EPOCHS", "max_steps": "UPDATES", "batch_size": "PAIRS", "lr": "RATE",
    "lambda_": "WEIGHT", "penalty": "PENALTY", "penalty_warmup": "SHARE", "ig_rule": "RULE",
    "ig_estimator": "ESTIMATOR", "ig_gradient_steps": "NODES", "steps": "NODES",
    "penalty_gradient": "exact|embedding", "variance_over": "words|all", "metric": "METRIC",
    "device": "DEVICE", "precision": "PRECISION", "storage": "URL",
    # how much
    "train_samples": "PAIRS", "eval_samples": "PAIRS", "samples": "PAIRS", "attributed": "PAIRS",
    "n": "PAIRS", "batch_tokens": "TOKENS", "min_length": "WORDS", "max_length": "WORDS",
    "min_confidence": "PROBABILITY", "max_confidence": "PROBABILITY", "rate": "PROBABILITY",
    # where to put it
    "db": "DATABASE", "name": "NAME", "study": "NAME", "out": "FOLDER", "folder": "FOLDER",
    "output_dir": "FOLDER", "report_to": "TRACKER", "host": "ADDRESS", "port": "PORT",
    "size": "WIDTHxHEIGHT", "prefix": "PREFIX",
}  # fmt: skip
_COUNT = "N"  # `--limit N` and the like


def one_a_line(lead: str, entries: Mapping[str, str]) -> str:
    """Help of an option whose values are listed, a line each."""
    return f"{lead}:\n\n\b\n" + "\n".join(f"{name}: {text}" for name, text in entries.items())


def unwrapped(text: str) -> str:
    """Paragraphs as single lines; those that begin with Click's \\b keep their lines."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(
        part.removeprefix("\b").strip("\n") if part.startswith("\b") else " ".join(part.split())
        for part in paragraphs
    )


def improve_help(command: Any) -> None:
    """Metavars that are words, also in the usage line, and none for flags; help without ragged
    lines. Its subcommands' too.
    """
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            _improve_argument(parameter)
        elif parameter.metavar is None and not parameter.type_descriptor.is_choice:
            named = METAVARS.get(parameter.name, _COUNT)
            parameter.metavar = "" if parameter.is_flag else named
    make_option, format_help = command.get_help_option, command.format_help

    def help_option(ctx: Any) -> Any:
        if (option := make_option(ctx)) is not None:
            option.metavar = ""
        return option

    def formatted(ctx: Any, formatter: Any) -> None:
        source = command.help
        # An empty paragraph, or Typer takes the indentation from examples that are the only one.
        command.help = unwrapped(source or "").replace("\n\n", "\n\n\n\n", 1)
        try:
            format_help(ctx, formatter)
        finally:
            command.help = source

    command.get_help_option, command.format_help = help_option, formatted
    for subcommand in getattr(command, "commands", {}).values():
        improve_help(subcommand)


def _improve_argument(argument: Any) -> None:
    name = (argument.metavar or METAVARS.get(argument.name, argument.name.upper())).strip("[].")
    argument.metavar = name if argument.nargs == 1 else f"{name}..."
    argument.display_type_rich = lambda ctx: None  # noqa: ARG005
    usage = argument.metavar if argument.required else f"[{argument.metavar}]"
    argument._usage_display_name = lambda: usage
