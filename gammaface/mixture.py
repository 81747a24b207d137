"""Gaussian mixtures on latents."""

from __future__ import annotations

import json
import warnings

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gammaface.errors import GammaFaceError
from gammaface.latents import Latents, check_finite
from gammaface.workspace import Run

COVARIANCES = ("diag", "spherical", "tied", "full")
STORED = ("weights", "means", "covariances", "precisions_cholesky")


class LatentMixture:
    """A Gaussian mixture fitted on latents, with scikit-learn's names.

    Means start at k-means++ picks, every covariance at that of all data, weights even
    (the paper: k-means++ initialisation, diagonal covariance).

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

    Attributes
    ----------
    weights_ : numpy.ndarray
        (K,), sums to 1.
    means_ : numpy.ndarray
        (K, d).
    covariances_ : numpy.ndarray
        (K, d) for diag; scikit-learn's shapes otherwise.
    converged_ : bool
    latents_ : Latents or None
        What it was fitted on, when that was a harvest.

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
    ) -> None:
        if n_components < 1:
            raise GammaFaceError(f"K={n_components} components", fix="Give K >= 1.")
        if covariance not in COVARIANCES:
            raise GammaFaceError(
                f"there is no covariance '{covariance}'", fix=f"Choose from {', '.join(COVARIANCES)}."
            )
        self.n_components, self.covariance, self.seed = n_components, covariance, seed
        self.restarts, self.max_iter, self.tol, self.reg_covar = restarts, max_iter, tol, reg_covar
        self.latents_: Latents | None = None

    def fit(self, latents: Latents | np.ndarray) -> LatentMixture:
        """Fit on codes (n, d), or on a harvest, which the mixture then remembers.

        Raises
        ------
        GammaFaceError
            When K exceeds n or the codes hold NaN.
        """
        array = latents.array if isinstance(latents, Latents) else latents
        array = np.asarray(array, dtype=np.float64)
        check_codes(array, self.n_components)
        fits = [self._fit_once(array, self.seed + r) for r in range(self.restarts)]
        self.model_ = max(fits, key=lambda m: m.lower_bound_)
        self.latents_ = latents if isinstance(latents, Latents) else None
        return self

    def _fit_once(self, array: np.ndarray, seed: int) -> GaussianMixture:
        k = self.n_components
        means, _ = kmeans_plusplus(array, k, random_state=seed)
        model = GaussianMixture(
            k,
            covariance_type=self.covariance,
            means_init=means,
            weights_init=np.full(k, 1.0 / k),
            precisions_init=_pooled_precision(array, k, self.covariance, self.reg_covar),
            max_iter=self.max_iter,
            tol=self.tol,
            reg_covar=self.reg_covar,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told by converged_
            return model.fit(array)

    weights_ = property(lambda self: self.model_.weights_)
    means_ = property(lambda self: self.model_.means_)
    covariances_ = property(lambda self: self.model_.covariances_)
    converged_ = property(lambda self: bool(self.model_.converged_))
    n_parameters_ = property(lambda self: int(self.model_._n_parameters()))

    def predict_proba(self, array: np.ndarray) -> np.ndarray:
        """Responsibilities r_ik, (n, K); rows sum to 1."""
        return self.model_.predict_proba(np.asarray(array, dtype=np.float64))

    def predict(self, array: np.ndarray) -> np.ndarray:
        """The likeliest component of each row, (n,)."""
        return self.predict_proba(array).argmax(axis=1)

    def log_likelihood(self, array: np.ndarray) -> float:
        """Mean log-likelihood per row, in nats."""
        return float(self.model_.score(np.asarray(array, dtype=np.float64)))

    def bic(self, array: np.ndarray) -> float:
        """Bayesian information criterion, -2 log L + p log n (Schwarz 1978); lower is better."""
        return float(self.model_.bic(np.asarray(array, dtype=np.float64)))

    def aic(self, array: np.ndarray) -> float:
        """Akaike information criterion, -2 log L + 2 p; lower is better."""
        return float(self.model_.aic(np.asarray(array, dtype=np.float64)))

    def save(self, run: Run) -> None:
        """Keep the fit in a run, as arrays."""
        for name in STORED:
            run.write_array(f"mixture_{name}", getattr(self.model_, f"{name}_"))
        settings = {"covariance": self.covariance, "seed": self.seed, "restarts": self.restarts}
        settings |= {"converged": self.converged_, "lower_bound": self.model_.lower_bound_}
        run.write_file("mixture.json", json.dumps(settings))

    @classmethod
    def load(cls, run: Run) -> LatentMixture:
        """A mixture that was fitted in a harvest run."""
        if not run.has("mixture.json"):
            raise GammaFaceError(
                "no mixture was fitted on this harvest",
                where=run.path,
                fix=f"Run `python -m gammaface fit {run.path} --k K` first.",
            )
        settings = json.loads((run.path / "mixture.json").read_text())
        parts = {name: np.array(run.array(f"mixture_{name}")) for name in STORED}
        kept = {key: settings[key] for key in ("covariance", "seed", "restarts")}
        mixture = cls(len(parts["weights"]), **kept)
        mixture.model_ = GaussianMixture(mixture.n_components, covariance_type=mixture.covariance)
        for name, value in parts.items():
            setattr(mixture.model_, f"{name}_", value)
        mixture.model_.converged_ = settings["converged"]
        mixture.model_.lower_bound_ = settings["lower_bound"]
        mixture.latents_ = Latents.load(run)
        return mixture

    def sample(self, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """n codes (n, d) and their components (n,) drawn from the mixture."""
        self.model_.random_state = seed
        array, components = self.model_.sample(n)
        return array, components


def _pooled_precision(array: np.ndarray, k: int, covariance: str, reg: float) -> np.ndarray:
    """The inverse covariance of all data, in scikit-learn's shape for `covariance`."""
    variance = array.var(axis=0) + reg
    if covariance == "diag":
        return np.tile(1 / variance, (k, 1))
    if covariance == "spherical":
        return np.full(k, 1 / variance.mean())
    full = np.cov(array.T, bias=True).reshape(len(variance), -1) + reg * np.eye(len(variance))
    pooled = np.linalg.inv(full)
    pooled = (pooled + pooled.T) / 2
    return pooled if covariance == "tied" else np.tile(pooled, (k, 1, 1))


def check_codes(array: np.ndarray, k: int) -> None:
    if array.ndim != 2 or not len(array):
        raise GammaFaceError(f"codes of shape {array.shape} were given", fix="Give an array of shape (n, d).")
    check_finite(array)
    if k > len(array):
        raise GammaFaceError(
            f"K={k} components for {len(array)} latents", fix=f"Harvest more, or give K <= {len(array)}."
        )
