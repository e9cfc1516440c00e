"""Gradient supervision: the input gradient should point from a counterfactual to its pair."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from nliexplorer.attribution.integrated_gradients import embedding_path, twice_differentiable
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.partners import DELETED


def gradient_alignment(
    classifier: Classifier,
    batch: Batch,
    labels: Tensor,
    revised_labels: Tensor,
    revised_ids: Tensor,
) -> Tensor:
    """1 - cos(d(z_gold - z_revised)/de, e - e') of each pair [B] (Teney et al. 2020, eq. 3).

    e are the pair's word embeddings over all its words, e' those of the counterfactual's tokens
    that stand against them (`revised_ids` [B, T]; zero where the edit deletes a token; words that
    only the counterfactual has stand nowhere). z are the logits of the two labels; a step from the
    counterfactual towards the pair should raise the one over the other. `revised_labels` [B] is
    negative for a pair without counterfactual, whose value is 0; so is that of a pair which the
    edit only adds to. The gradient reaches every weight (double backward, 6 forward passes for each
    pair that has a counterfactual), without dropout; e - e' is a constant.
    """
    has_partner = revised_labels >= 0
    if not has_partner.any():
        return torch.zeros(len(labels), device=labels.device)
    part = Batch(
        batch.input_ids[has_partner],
        batch.attention_mask[has_partner],
        None if batch.token_type_ids is None else batch.token_type_ids[has_partner],
        batch.segments[has_partner],
    )
    gradient, edit = _gradient_and_edit(
        classifier, part, labels[has_partner], revised_labels[has_partner], revised_ids[has_partner]
    )
    cosine = functional.cosine_similarity(gradient.flatten(1), edit.flatten(1), eps=1e-12)
    edits = edit.flatten(1).abs().amax(1) > 0
    values = cosine.new_zeros(len(labels))
    return values.index_put((has_partner.nonzero()[:, 0],), torch.where(edits, 1 - cosine, 0.0))


def _gradient_and_edit(
    classifier: Classifier, batch: Batch, labels: Tensor, revised: Tensor, ids: Tensor
) -> tuple[Tensor, Tensor]:
    """(d(z_gold - z_revised)/de, e - e') over words [B, T, D], zero elsewhere."""
    model = classifier.model
    training = model.training
    model.eval()
    try:
        with twice_differentiable(model), torch.enable_grad():
            path = embedding_path(classifier, batch, labels)
            point = path.inputs if path.inputs.requires_grad else path.inputs.requires_grad_()
            logits = classifier.logits(inputs_embeds=point, **path.features)
            ends = (logits.gather(1, each[:, None]).sum() for each in (labels, revised))
            margin = next(ends) - next(ends)
            (gradient,) = torch.autograd.grad(margin, point, create_graph=True)
    finally:
        model.train(training)
    with torch.no_grad():
        other = classifier.embeddings(ids.clamp(min=0)).masked_fill((ids == DELETED)[..., None], 0)
        words = batch.words[..., None]
        edit = (path.inputs - other).masked_fill(~words, 0)
    return gradient.masked_fill(~words, 0), edit
