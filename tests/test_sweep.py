"""The golden cases of the sweep: clear clusters, noise, and data on which BIC says nothing."""

import numpy as np
import pytest

from gammaface import GammaFaceError, LatentMixture, suggest_k, sweep_bic


def clusters(k=4, n=400, d=6, gap=8.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, d))[np.arange(n) % k] * gap + rng.normal(size=(n, d))


def noise(n=400, d=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def read(z, ks, **options):
    return suggest_k(sweep_bic(z, ks, **options), n=len(z))


@pytest.fixture(scope="module")
def four():
    return sweep_bic(clusters(), range(1, 8))


def test_four_clear_clusters_are_four(four):
    suggestion = suggest_k(four, n=400)
    assert suggestion.k == 4 and not suggestion.warnings
    assert suggestion.reason.startswith("BIC is lowest at K=4 among K=1 to 7; held-out log-likelihood")


def test_every_figure_of_a_row(four):
    assert list(four["k"]) == list(range(1, 8))
    row = four.set_index("k").loc[4]
    assert row["n_parameters"] == 51 and row["n_per_parameter"] == pytest.approx(400 / 51)
    assert row["stability_ari"] == 1 and row["converged"] and row["repairs"] == 0
    assert row["smallest_weight"] == pytest.approx(0.25, abs=0.01)
    assert row["responsibility_entropy"] == pytest.approx(0, abs=1e-3)
    assert -11 < row["heldout_loglik"] < row["log_likelihood"] and 0 < row["heldout_sd"] < 1
    assert (row["n"], row["distinct"], row["constant_dimensions"]) == (400, 400, 0)
    assert not four.isna().any().any()


def test_a_row_is_the_mixture_of_the_same_seed(four):
    z = clusters()
    mixture = LatentMixture(5, restarts=3).fit(z)
    row = four.set_index("k").loc[5]
    assert row["bic"] == pytest.approx(mixture.bic(z), rel=1e-9)
    assert row["aic"] == pytest.approx(mixture.aic(z), rel=1e-9)


@pytest.mark.parametrize("covariance", ["diag", "spherical", "tied", "full"])
def test_noise_is_one(covariance):
    suggestion = read(noise(), range(1, 5), covariance=covariance)
    assert suggestion.k == 1 and "no clusters" in " ".join(suggestion.warnings)


def test_held_out_rows_decide_where_parameters_outnumber_latents():
    z = clusters(n=200, d=120, gap=1.0)
    suggestion = read(z, range(1, 7))
    assert suggestion.k == 4 and "BIC, lowest at K=" in suggestion.reason
    assert "latents for" in " ".join(suggestion.warnings)


@pytest.mark.parametrize(
    ("z", "ks", "words"),
    [
        (noise(20, 30), range(1, 3), "20 latents for"),
        (np.repeat(noise(8), 20, axis=0), range(1, 6), "152 of 160 latents repeat others"),
        (np.c_[noise(), np.full(400, 7.3)], range(1, 4), "1 dimensions are constant"),
        (noise(6, 2), range(1, 7), "parameters: BIC is not reliable"),
        (noise(6, 2), [6], "it describes a latent, not a group"),
        (clusters(k=8, gap=20), range(1, 4), "still falling at K=3, the edge of the grid"),
        (clusters(k=2, gap=20), range(3, 6), "K=3, the edge of the grid"),
        (clusters(), [4], "only K=4 was tried"),
        (noise(400, 1), [4, 5], "not stable"),
        (np.ones((9, 3)), range(1, 4), "8 of 9 latents repeat others"),
        (noise(1, 2), [1], "only K=1 was tried"),
    ],
)
def test_doubts_are_said_in_words(z, ks, words):
    table = sweep_bic(z, ks)
    assert np.isfinite(table["bic"]).all()
    assert words in " ".join(suggest_k(table, n=len(z)).warnings)


def test_a_memory_map_sweeps_alike(four, tmp_path):
    np.save(tmp_path / "z.npy", clusters())
    mapped = sweep_bic(np.load(tmp_path / "z.npy", mmap_mode="r"), range(1, 8))
    assert mapped.equals(four)


def test_progress_can_cancel_and_ends_complete():
    seen = []
    sweep_bic(noise(60, 2), range(1, 4), folds=0, progress=lambda *at: seen.append(at))
    assert seen == sorted(seen) and seen[-1] == (3, 3)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_bic(noise(60, 2), range(1, 4), progress=stop)


def test_refusals():
    with pytest.raises(GammaFaceError, match="K=11 components for 10 latents"):
        sweep_bic(noise(10), range(9, 12))
    with pytest.raises(GammaFaceError, match="no K to sweep"):
        sweep_bic(noise(10), [])
    with pytest.raises(GammaFaceError, match="K=0 components"):
        sweep_bic(noise(10), [0])
    with pytest.raises(GammaFaceError, match="no covariance 'round'"):
        sweep_bic(noise(10), [2], covariance="round")
    with pytest.raises(GammaFaceError, match="1 folds"):
        sweep_bic(noise(10), [2], folds=1)
    with pytest.raises(GammaFaceError, match="in 1025 dimensions. Reduce the codes to 1024"):
        sweep_bic(noise(10, 1025), [2], covariance="full")
