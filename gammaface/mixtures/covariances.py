"""The four covariance shapes as exponential families.

A Gaussian's log density is linear in features phi(x) of a row, and its estimate needs only
their weighted sums (Wainwright and Jordan 2008, section 3.6). So one pass of EM is two
matrix products, whatever the shape and however many mixtures share it.

Densities are told beside a *base*, a Gaussian about the centre that a mixture's components
share: only the differences between components decide responsibilities, and float32 holds
them to far more digits than densities, which grow with d. The base itself is added up in
float64, over all rows from their pooled moment alone.

=========  ==============  =================  ===================================
shape      features        width              base: Gaussian about the centre of
=========  ==============  =================  ===================================
diag       x, x * x        2 d                the components' mean precision
spherical  x, |x|^2        d + 1              the components' mean precision
tied       x               d                  the covariance itself
full       x, x_i x_j      d + d (d + 1) / 2  none: these products are in float64
=========  ==============  =================  ===================================

Shapes of tensors: F mixtures of K components each, b rows, d dimensions; all float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gammaface.errors import GammaFaceError

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Parameters:
    """F mixtures of K components; covariances in the shape of their family."""

    weights: Tensor  # (F, K)
    means: Tensor  # (F, K, d)
    covariances: Tensor  # diag (F, K, d); spherical (F, K); tied (F, d, d); full (F, K, d, d)

    def __getitem__(self, chosen) -> Parameters:
        """The mixtures at these places."""
        return Parameters(self.weights[chosen], self.means[chosen], self.covariances[chosen])


class Diagonal:
    """One variance per component and dimension."""

    matrix = False  # whether the pooled second moment is a matrix (d, d) or a vector (d,)
    own = True  # whether every component has a covariance of its own

    def width(self, d: int) -> int:
        return 2 * d

    def fill(self, phi: Tensor, d: int) -> None:
        """Complete features (b, width) whose first d columns hold the centred rows."""
        torch.mul(phi[:, :d], phi[:, :d], out=phi[:, d:])

    def natural(self, p: Parameters) -> tuple[Tensor, Tensor]:
        """eta (F, K, width) and log normaliser (F, K): log density = base + eta phi + normaliser."""
        precision, base = 1 / p.covariances, self.base(p)
        linear = p.means * precision
        normaliser = ((precision / base).log().sum(-1) - (p.means * linear).sum(-1)) / 2
        return torch.cat([linear, (base - precision) / 2], dim=-1), normaliser

    def base(self, p: Parameters) -> Tensor:
        """Precision of the base, (F, 1, d)."""
        return (1 / p.covariances).mean(1, keepdim=True)

    def estimate(self, second: Tensor, means: Tensor, weights: Tensor, pooled: Tensor, reg: float) -> Tensor:
        """Covariances from mean features beyond x (F, K, width - d) and the data's `pooled` moment."""
        # Rounding may leave a variance of nothing just below zero.
        return (second - means.square()).clamp_min(0) + reg

    def start(self, pooled: Tensor, k: int, reg: float) -> Tensor:
        """The covariance of all rows, for every component."""
        return (pooled + reg)[:, None].repeat(1, k, 1)

    def deviations(self, covariances: Tensor, d: int) -> Tensor:
        """Standard deviation of each component in each dimension, (F, K, d) or (F, 1, d)."""
        return covariances.sqrt()

    def base_mean(self, p: Parameters, pooled: Tensor) -> Tensor | float:
        """Mean over all rows of the base's log density, (F,)."""
        base = self.base(p)[:, 0]
        return ((base.log() - LOG_2PI) - base * pooled).sum(-1) / 2

    def base_rows(self, p: Parameters, x: Tensor) -> Tensor | float:
        """The base's log density of each row of x (b, d): (F, b)."""
        base = self.base(p)[:, 0]
        return ((base.log() - LOG_2PI).sum(-1, keepdim=True) - base @ x.double().square().T) / 2

    def free(self, k: int, d: int) -> int:
        """Number of free covariance parameters."""
        return k * d


class Spherical(Diagonal):
    """One variance per component."""

    def width(self, d: int) -> int:
        return d + 1

    def fill(self, phi: Tensor, d: int) -> None:
        torch.sum(phi[:, :d].square(), dim=1, out=phi[:, d])

    def natural(self, p: Parameters) -> tuple[Tensor, Tensor]:
        precision, base = 1 / p.covariances[..., None], self.base(p)[..., :1]
        linear, d = p.means * precision, p.means.shape[-1]
        normaliser = (d * (precision / base).log()[..., 0] - (p.means * linear).sum(-1)) / 2
        return torch.cat([linear, (base - precision) / 2], dim=-1), normaliser

    def base(self, p: Parameters) -> Tensor:
        return super().base(p)[..., None].expand(-1, -1, p.means.shape[-1])

    def estimate(self, second, means, weights, pooled, reg):
        square = second[..., 0] - means.square().sum(-1)
        return (square / means.shape[-1]).clamp_min(0) + reg

    def start(self, pooled, k, reg):
        return (pooled.mean(-1) + reg)[:, None].repeat(1, k)

    def deviations(self, covariances, d):
        return covariances.sqrt()[..., None].expand(-1, -1, d)

    def free(self, k: int, d: int) -> int:
        return k


class Tied(Diagonal):
    """One covariance matrix for all components."""

    matrix, own = True, False

    def width(self, d: int) -> int:
        return d

    def fill(self, phi: Tensor, d: int) -> None:
        """x is all: the squares of tied components never meet the responsibilities."""

    def natural(self, p: Parameters) -> tuple[Tensor, Tensor]:
        root = cholesky(p.covariances)
        linear = torch.cholesky_solve(p.means.mT, root).mT
        return linear, -(p.means * linear).sum(-1) / 2

    def estimate(self, second, means, weights, pooled, reg):
        between = (means * weights[..., None]).mT @ means
        return pooled - between + _ridge(means, means.shape[-1], reg)

    def start(self, pooled, k, reg):
        return pooled + _ridge(pooled, pooled.shape[-1], reg)

    def deviations(self, covariances, d):
        return covariances.diagonal(dim1=-2, dim2=-1).sqrt()[:, None]

    def base_mean(self, p: Parameters, pooled: Tensor) -> Tensor:
        root = cholesky(p.covariances)
        trace = torch.cholesky_solve(pooled, root).diagonal(dim1=-2, dim2=-1).sum(-1)
        return -(trace + _log_norm(root)) / 2

    def base_rows(self, p: Parameters, x: Tensor) -> Tensor:
        root = cholesky(p.covariances)
        square = torch.linalg.solve_triangular(root, x.T[None].double(), upper=False).square().sum(1)
        return -(square + _log_norm(root)[:, None]) / 2

    def free(self, k: int, d: int) -> int:
        return d * (d + 1) // 2


class Full(Diagonal):
    """One covariance matrix per component."""

    matrix = True

    def width(self, d: int) -> int:
        return d + d * (d + 1) // 2

    def fill(self, phi: Tensor, d: int) -> None:
        i, j = pairs(d, phi.device)
        torch.mul(phi[:, i], phi[:, j], out=phi[:, d:])

    def natural(self, p: Parameters) -> tuple[Tensor, Tensor]:
        root = cholesky(p.covariances)
        precision = torch.cholesky_inverse(root)
        linear = (precision @ p.means[..., None])[..., 0]
        i, j = pairs(p.means.shape[-1], root.device)
        quadratic = precision[..., i, j] * torch.where(i == j, -0.5, -1.0)
        return torch.cat([linear, quadratic], dim=-1), -((p.means * linear).sum(-1) + _log_norm(root)) / 2

    def base_mean(self, p: Parameters, pooled: Tensor) -> float:
        return 0.0

    def base_rows(self, p: Parameters, x: Tensor) -> float:
        return 0.0

    def estimate(self, second, means, weights, pooled, reg):
        d = means.shape[-1]
        i, j = pairs(d, means.device)
        covariances = means.new_empty(*means.shape, d)
        covariances[..., i, j] = covariances[..., j, i] = second - means[..., i] * means[..., j]
        return covariances + _ridge(means, d, reg)

    def start(self, pooled, k, reg):
        matrix = pooled + _ridge(pooled, pooled.shape[-1], reg)
        return matrix[:, None].repeat(1, k, 1, 1)

    def deviations(self, covariances, d):
        return covariances.diagonal(dim1=-2, dim2=-1).sqrt()

    def free(self, k: int, d: int) -> int:
        return k * d * (d + 1) // 2


SHAPES = {"diag": Diagonal(), "spherical": Spherical(), "tied": Tied(), "full": Full()}
COVARIANCES = tuple(SHAPES)


def pairs(d: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Places (i, j), i <= j, of a symmetric matrix's upper half."""
    i, j = torch.triu_indices(d, d, device=device)
    return i, j


def _log_norm(root: Tensor) -> Tensor:
    """d log(2 pi) + log det of covariances with these lower roots."""
    return root.shape[-1] * LOG_2PI + 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _ridge(like: Tensor, d: int, reg: float) -> Tensor:
    return reg * torch.eye(d, dtype=like.dtype, device=like.device)


def cholesky(covariances: Tensor) -> Tensor:
    """Lower roots of a stack of covariance matrices.

    Raises
    ------
    GammaFaceError
        When one of them is not positive definite.
    """
    root, failed = torch.linalg.cholesky_ex(covariances)
    if failed.any():
        raise GammaFaceError(
            "a covariance matrix is not positive definite: too few latents for its dimensions",
            fix="Reduce the dimensions with PCA, raise reg_covar, or use covariance 'diag'.",
        )
    return root
