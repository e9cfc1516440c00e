"""The input of an attribution method: one batch of pairs, its path, and its word positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nliexplorer.attribution.integrated_gradients import Path
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import TokenLayout
from nliexplorer.records import Example, example_key


@dataclass(frozen=True, slots=True)
class Task:
    """A batch [B, T] to explain; the classifier is frozen and in eval mode."""

    classifier: Classifier
    batch: Batch
    path: Path  # word embeddings, baseline, the classes to explain
    layouts: Sequence[TokenLayout]
    examples: Sequence[Example]
    steps: int

    def forward(self, embeddings: Tensor, *more: Tensor) -> Tensor:
        """Logits [B, 3] of word embeddings, positional so that Captum can call it."""
        features = dict(zip(self.path.features, more, strict=True))
        return self.classifier.logits(inputs_embeds=embeddings, **features)

    @property
    def more(self) -> tuple[Tensor, ...]:
        """The arguments of `forward` behind the embeddings."""
        return tuple(self.path.features.values())

    def seed(self, line: int) -> int:
        """A seed that depends on the pair's content alone: the same in any batch and order."""
        example = self.examples[line]
        return int(example_key(example.premise, example.hypothesis, None), 16)

    def row(self, line: int) -> Task:
        """One pair on its own, without padding."""
        place = self._place(line)
        pick = slice(line, line + 1)

        def cut(values: Tensor) -> Tensor:
            return values[pick, place]

        batch, path, types = self.batch, self.path, self.batch.token_type_ids
        single = Batch(
            cut(batch.input_ids),
            cut(batch.attention_mask),
            None if types is None else cut(types),
            cut(batch.segments),
        )
        features = {name: cut(value) for name, value in path.features.items()}
        own = Path(cut(path.inputs), cut(path.baseline), features, path.target[pick])
        return Task(
            self.classifier, single, own, [self.layouts[line]], [self.examples[line]], self.steps
        )

    def _place(self, line: int) -> slice:
        return self.batch.place(len(self.layouts[line].tokens))

    def filled(self, rows: Sequence[Sequence[float]]) -> Tensor:
        """Scores of each pair's own tokens as [B, T], zero on padding."""
        scores = torch.zeros(self.batch.input_ids.shape, dtype=torch.float64)
        for line, values in enumerate(rows):
            scores[line, self._place(line)] = torch.as_tensor(values, dtype=torch.float64)
        return scores


#: Scores [B, T] of a batch; whatever stands on padding is dropped.
Scorer = Callable[[Task], Tensor]
