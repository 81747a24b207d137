"""Gaussian mixtures on latents."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.latents import Latents, check_finite
from gammaface.mixtures.covariances import COVARIANCES, SHAPES
from gammaface.mixtures.em import fit_all
from gammaface.mixtures.rows import Rows, pick_means
from gammaface.mixtures.stack import Description, Fit, Start, describe, likeliest, responsibilities
from gammaface.parallel.shards import Shard
from gammaface.parallel.workers import ALONE, Workers
from gammaface.workspace import Run

STORED = ("weights", "means", "covariances")
KEPT = ("covariance", "seed", "restarts", "max_iter", "tol", "reg_covar")


class LatentMixture:
    """A Gaussian mixture fitted on latents, with scikit-learn's names.

    Means start at k-means++ picks, every covariance at that of all data, weights even
    (the paper: k-means++ initialisation, diagonal covariance). The fit is the one that
    :func:`gammaface.sweep.sweep_bic` makes for the same K, seed and restarts.

    Parameters
    ----------
    n_components : int
        K.
    covariance : {"diag", "spherical", "tied", "full"}
    seed : int
        Of the k-means++ picks.
    restarts : int
        Fits from different picks; the likeliest is kept.
    max_iter, tol, reg_covar
        As in scikit-learn.
    device : str
        Where to compute.

    Attributes
    ----------
    weights_ : numpy.ndarray
        (K,), sums to 1.
    means_ : numpy.ndarray
        (K, d).
    covariances_ : numpy.ndarray
        (K, d) for diag; scikit-learn's shapes otherwise.
    converged_ : bool
    curve_ : numpy.ndarray
        Mean log-likelihood per row before each iteration.
    n_parameters_ : int
        Free parameters, as BIC counts them.
    latents_ : Latents or None
        What it was fitted on, when that was a harvest.

    Raises
    ------
    GammaFaceError
        K below 1, or an unknown covariance.

    Examples
    --------
    >>> z = np.r_[np.zeros((50, 2)), np.full((50, 2), 9.0)] + np.eye(100, 2)
    >>> LatentMixture(2).fit(z).weights_.round(2).tolist()
    [0.5, 0.5]
    """

    def __init__(
        self,
        n_components: int,
        *,
        covariance: str = "diag",
        seed: int = 0,
        restarts: int = 1,
        max_iter: int = 100,
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        device: str = "cpu",
    ) -> None:
        if n_components < 1:
            raise GammaFaceError(f"K={n_components} components", fix="Give K >= 1.")
        check_covariance(covariance)
        self.n_components, self.covariance, self.seed = n_components, covariance, seed
        self.restarts, self.max_iter, self.tol, self.reg_covar = restarts, max_iter, tol, reg_covar
        self.device = device
        self.latents_: Latents | None = None

    def fit(self, latents: Latents | np.ndarray | Shard, *, workers: Workers = ALONE) -> LatentMixture:
        """Fit on codes (n, d), or on a harvest, which the mixture then remembers.

        Several `workers` call this together: each reads its own rows of the codes, and all
        end with the same mixture. A shard holds the rows that a worker has of its own.

        Raises
        ------
        GammaFaceError
            When K exceeds n, the codes hold NaN, or a matrix covariance has too many
            dimensions.
        """
        array = Shard.of(codes_of(latents), workers)
        rows = Rows(array, self.covariance, device=self.device)
        starts = [
            Start(pick_means(array, self.n_components, seed=self.seed + r)) for r in range(self.restarts)
        ]
        fits = fit_all(rows, starts, max_iter=self.max_iter, tol=self.tol, reg_covar=self.reg_covar)
        self.fit_ = likeliest(fits)
        self.latents_ = latents if isinstance(latents, Latents) else None
        return self

    weights_ = property(lambda self: self.fit_.weights)
    means_ = property(lambda self: self.fit_.means)
    covariances_ = property(lambda self: self.fit_.covariances)
    converged_ = property(lambda self: self.fit_.converged)
    curve_ = property(lambda self: self.fit_.curve)
    n_parameters_ = property(lambda self: n_parameters(*self.means_.shape, self.covariance))

    def _rows(self, array: np.ndarray) -> Rows:
        """Rows to score: in float64 about the mixture's own mean."""
        array = np.asarray(array)
        d = self.means_.shape[1]
        if array.ndim != 2 or array.shape[1] != d:
            raise GammaFaceError(
                f"codes of shape {array.shape} for a mixture in {d} dimensions",
                fix=f"Give an array of shape (n, {d}), from the space the mixture was fitted in.",
            )
        # float64: a BIC differs from its neighbours in the sixth digit.
        return Rows(
            array, self.covariance, centre=self.weights_ @ self.means_, exact=True, device=self.device
        )

    def _describe(self, array: np.ndarray) -> Description:
        described = describe(self._rows(array), [self.fit_])[0]
        check_finite(described.log_likelihood[:, None])
        return described

    def predict_proba(self, array: np.ndarray) -> np.ndarray:
        """Responsibilities r_ik, (n, K); rows sum to 1."""
        found = responsibilities(self._rows(array), self.fit_)
        check_finite(found)
        return found

    def predict(self, array: np.ndarray) -> np.ndarray:
        """The likeliest component of each row, (n,)."""
        return self._describe(array).labels.astype(np.int64)

    def log_likelihood(self, array: np.ndarray) -> float:
        """Mean log-likelihood per row, in nats."""
        return float(self._describe(array).log_likelihood.mean())

    def bic(self, array: np.ndarray) -> float:
        """Bayesian information criterion, -2 log L + p log n (Schwarz 1978); lower is better."""
        found = self._describe(array).log_likelihood
        return bic(found.sum(), self.n_parameters_, len(found))

    def aic(self, array: np.ndarray) -> float:
        """Akaike information criterion, -2 log L + 2 p (Akaike 1974); lower is better."""
        return aic(self._describe(array).log_likelihood.sum(), self.n_parameters_)

    def save(self, run: Run) -> None:
        """Keep the fit in a run, as arrays."""
        for name in (*STORED, "curve"):
            run.write_array(f"mixture_{name}", getattr(self.fit_, name))
        settings = {name: getattr(self, name) for name in KEPT}
        settings |= {"converged": self.converged_, "repairs": self.fit_.repairs}
        run.write_file("mixture.json", json.dumps(settings))

    @classmethod
    def load(cls, run: Run) -> LatentMixture:
        """A mixture that was kept in a harvest or a study.

        Raises
        ------
        GammaFaceError
            When none was, or its files are damaged.
        """
        if not run.has("mixture.json"):
            raise GammaFaceError(
                "no mixture was fitted on this harvest",
                where=run.path,
                fix=f"Run `python -m gammaface fit {run.path} --k K` first.",
            )
        parts = {name: np.array(run.array(f"mixture_{name}")) for name in (*STORED, "curve")}
        try:
            settings = run.read_json("mixture.json")
            converged, repairs = settings.pop("converged"), settings.pop("repairs")
            mixture = cls(len(parts["weights"]), **settings)
        except (ValueError, KeyError, TypeError) as error:
            raise GammaFaceError(
                f"the mixture's settings are damaged: {error}",
                where=run.path / "mixture.json",
                fix=f"Run `python -m gammaface fit {run.path} --k K` again.",
            ) from None
        mixture.fit_ = Fit(**parts, converged=converged, repairs=repairs)
        config = run.manifest.config
        if run.has("arrays/latents.npy"):
            mixture.latents_ = Latents.load(run)
        elif not config.get("pca"):
            mixture.latents_ = Latents.without_codes(config, dimensions=mixture.means_.shape[1])
        return mixture

    def sample(self, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """n codes (n, d) and their components (n,) drawn from the mixture."""
        rng = np.random.default_rng(seed)
        components = np.sort(rng.choice(self.n_components, size=n, p=self.weights_))
        noise = rng.standard_normal((n, self.means_.shape[1]))
        if not SHAPES[self.covariance].matrix:
            deviations = np.sqrt(self.covariances_).reshape(self.n_components, -1)
            return self.means_[components] + noise * deviations[components], components
        roots = np.broadcast_to(
            np.linalg.cholesky(self.covariances_), (self.n_components, *self.covariances_.shape[-2:])
        )
        for k, root in enumerate(roots):
            noise[components == k] = noise[components == k] @ root.T
        return self.means_[components] + noise, components


def fingerprint(mixture: LatentMixture) -> str:
    """A hash of a mixture's parameters."""
    parts = (mixture.weights_, mixture.means_, mixture.covariances_)
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()[:16]


def codes_of(latents: Latents | np.ndarray | Shard) -> np.ndarray | Shard:
    """The array (n, d) of a harvest, or what was given, as it lies: a memory map stays one."""
    if isinstance(latents, Shard):
        return latents
    return latents.array if isinstance(latents, Latents) else np.asarray(latents)


def check_covariance(covariance: str) -> None:
    """Refuse names that are no covariance."""
    if covariance not in COVARIANCES:
        raise GammaFaceError(
            f"there is no covariance '{covariance}'", fix=f"Choose from {', '.join(COVARIANCES)}."
        )


def n_parameters(k: int, d: int, covariance: str) -> int:
    """Free parameters of a mixture: K - 1 weights, K d means and the covariances.

    Examples
    --------
    >>> n_parameters(4, 768, "diag")
    6147
    """
    return k - 1 + k * d + SHAPES[covariance].free(k, d)


def bic(log_likelihood: float, parameters: int, n: int) -> float:
    """-2 log L + p log n, log L summed over all n rows."""
    return float(-2 * log_likelihood + parameters * np.log(n))


def aic(log_likelihood: float, parameters: int) -> float:
    """-2 log L + 2 p, log L summed over all rows."""
    return float(-2 * log_likelihood + 2 * parameters)
