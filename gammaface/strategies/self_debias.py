"""Self-debiasing: even shares over clusters of h that no labeller has seen.

Source: Korada et al. 2026 (SelfDebias). They cluster in an image encoder's space and learn
to project h onto it; here the embedding is a PCA of h at one timestep, so that nothing but
the generator is needed. Whether its clusters follow people is to be measured, not assumed.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import KMeans

from gammaface.errors import GammaFaceError
from gammaface.spaces import fit_pca
from gammaface.strategies.request import Drawn, Learned, Request
from gammaface.strategies.steering import StepHeads, draw_batches, fit_step_heads, record_pilot
from gammaface.strategies.strategy import described

EMBEDDING = 32  # principal components of h that are clustered


def self_debias(request: Request) -> Drawn:
    """Steer batches so that the clusters' mean soft assignment nears the uniform one.

    As in the batch form of ``distribution-guidance``, images depend on those of their batch.
    """
    heads: StepHeads = request.learned.value
    clusters = heads.sizes[0]
    return draw_batches(request, heads, torch.full((clusters,), 1 / clusters), divergence="kl")


def learn_clusters(request: Request) -> Learned:
    """Cluster the pilot's h at one step; linear heads that read the clusters at every step."""
    pilot = record_pilot(request, label=False)
    t = request.nearest(request.options["sqrt_abar"])
    assigned = clusters_of(pilot.codes["h", t], request.options["clusters"], seed=request.run_seed)
    counts = np.bincount(assigned, minlength=request.options["clusters"])
    heads = fit_step_heads(pilot, {"cluster": np.eye(len(counts))[assigned]}, generator=request.generator)
    notes = {
        "pilot": len(assigned),
        "clustered_at": round(request.generator.sqrt_abar(t), 4),
        "cluster_shares": (counts / len(assigned)).round(4).tolist(),
        "accuracy": heads.accuracy,
    }
    return Learned(heads, pilot.evaluations, notes)


def clusters_of(h: np.ndarray, clusters: int, *, seed: int = 0) -> np.ndarray:
    """k-means clusters of h (p, d) in its first principal components, (p,) int.

    Raises
    ------
    GammaFaceError
        For fewer than ten rows a cluster.
    """
    if len(h) < 10 * clusters:
        raise GammaFaceError(
            f"{clusters} clusters of {len(h)} images", fix=f"Give a pilot of {10 * clusters} or more."
        )
    h = h.astype(np.float32)
    z = fit_pca(h, min(EMBEDDING, *h.shape), seed=seed).transform(h)
    return KMeans(clusters, n_init=10, random_state=seed).fit_predict(z)


SELF_DEBIAS = described("self-debias", self_debias, learn=learn_clusters)
