"""The bias-mitigation loss, for arrays and with gradients for torch tensors."""

from __future__ import annotations

import torch

from gammaface.errors import GammaFaceError
from gammaface.metrics.counts import check_choice

KINDS = ("hard", "soft", "straight_through")


def bias_loss(outputs, n_classes: int, *, kind: str = "hard", temperature: float = 1.0, lambdas=None):
    r"""Bias-mitigation loss: penalty for classes below their even share in a batch.

    .. math:: \sum_d \lambda_d \max(0, 1/K - share_d)

    Source: GAN rebalancing, eq. 6 and 7, Alg. 1. As printed (arg max, one-hot) no gradient
    reaches the generator, hence the two other kinds.

    Parameters
    ----------
    outputs : array or tensor of shape (n,) or (n, K)
        Predicted labels (``hard`` only), or the classifier's logits.
    n_classes : int
        K.
    kind : {"hard", "soft", "straight_through"}
        ``hard`` counts the arg max; ``soft`` averages the softmax; ``straight_through`` has
        the value of the first and the gradient of the second.
    temperature : float
        Of the softmax; lower is closer to the arg max.
    lambdas : array of shape (K,), optional
        lambda_d. By default (1 - share_d) / (K - 1), our linear reading of "inversely
        proportional to the current bias"; the gradient goes through it as well.

    Returns
    -------
    float or torch.Tensor
        Without unit, 0 for even shares and above 0 otherwise; a scalar tensor if
        ``outputs`` is one.

    Raises
    ------
    GammaFaceError
        For an unknown kind, a temperature of 0 or less, labels with a kind that needs
        logits, empty input, or shapes that do not match K.

    Examples
    --------
    >>> predicted = [0] * 5 + [1] * 2 + [2]
    >>> round(bias_loss(predicted, 3), 6), round(bias_loss(predicted, 3, lambdas=[1, 1, 1]), 6)
    (0.122396, 0.291667)
    """
    check_choice("kind", kind, KINDS)
    if n_classes < 2 or temperature <= 0:
        raise GammaFaceError(
            f"n_classes={n_classes}, temperature={temperature} cannot be used",
            fix="Give 2 classes or more and a temperature above 0.",
        )
    values = torch.as_tensor(outputs)
    shares = _shares(values, n_classes, kind, temperature)
    if lambdas is None:
        weights = (1 - shares) / (n_classes - 1)
    else:
        weights = torch.as_tensor(lambdas, dtype=shares.dtype, device=shares.device)
        if weights.shape != shares.shape:
            raise GammaFaceError(
                f"lambdas have the shape {tuple(weights.shape)}",
                fix=f"Give one per class: ({n_classes},).",
            )
    loss = (weights * torch.relu(1 / n_classes - shares)).sum()
    return loss if isinstance(outputs, torch.Tensor) else float(loss)


def _shares(values: torch.Tensor, n_classes: int, kind: str, temperature: float) -> torch.Tensor:
    """Share of each class in the batch, (K,)."""
    labels = values.ndim == 1 and not values.is_floating_point()
    if values.numel() == 0 or not (labels or (values.ndim == 2 and values.shape[1] == n_classes)):
        raise GammaFaceError(
            f"outputs of shape {tuple(values.shape)} are neither labels nor logits",
            fix=f"Give integers (n,) or logits (n, {n_classes}).",
        )
    if labels:
        if kind != "hard":
            raise GammaFaceError(f"kind={kind!r} needs logits, not labels", fix="Give logits.")
        if values.min() < 0 or values.max() >= n_classes:
            raise GammaFaceError(
                f"labels run from {int(values.min())} to {int(values.max())}",
                fix=f"Labels of {n_classes} classes are 0..{n_classes - 1}.",
            )
        return _counted(values.long(), n_classes, torch.float64)
    if kind == "hard":
        return _counted(values.argmax(1), n_classes, values.dtype)
    soft = (values / temperature).softmax(1).mean(0)
    if kind == "soft":
        return soft
    # The bracket is zero in value, so the hard shares stay and the soft gradient flows.
    return _counted(values.argmax(1), n_classes, values.dtype) + (soft - soft.detach())


def _counted(labels: torch.Tensor, n_classes: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.bincount(labels, minlength=n_classes).to(dtype) / len(labels)
