import numpy as np
import pytest
from scipy.linalg import sqrtm

from gammaface import GammaFaceError
from gammaface.metrics import quality as q
from gammaface.metrics.quality_by_group import quality_by_group


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_frechet_against_the_printed_formula(rng):
    a, b = rng.normal(size=(300, 6)), rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)) + 1
    first, second = np.cov(a.T), np.cov(b.T)
    root = sqrtm(first @ second).real
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(first + second - 2 * root)
    assert q.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert q.frechet_distance(a, b, dimensions=6) == pytest.approx(expected, rel=1e-6)
    assert q.frechet_distance(a, b, dimensions=2) < expected
    assert q.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert "singular" in q.frechet_distance(a[:4], b).note


def test_kernel_distance_against_a_loop(rng):
    a, b = rng.normal(size=(12, 3)), rng.normal(size=(12, 3)) + 0.5

    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    pairs = [(i, j) for i in range(12) for j in range(12)]
    apart = [(i, j) for i, j in pairs if i != j]
    expected = np.mean([k(a[i], a[j]) + k(b[i], b[j]) for i, j in apart]) - 2 * np.mean(
        [k(a[i], b[j]) for i, j in pairs]
    )
    assert q.kernel_distance(a, b) == pytest.approx(expected)


def test_resampled_kernels_are_those_of_the_drawn_rows(rng):
    a, b = rng.normal(size=(8, 2)), rng.normal(size=(8, 2))
    twice = np.array([2.0, 0, 1, 1, 1, 1, 1, 1])
    rows = np.arange(8).repeat(twice.astype(int))
    value = q.weighted_mmd(q.cubic_kernels(a, b), twice[:, None], np.ones((8, 1)))[0]
    drawn = a[rows]
    kernel = (drawn @ drawn.T / 2 + 1) ** 3
    other = rows[:, None] != rows
    within, cross = kernel[other].mean(), ((drawn @ b.T / 2 + 1) ** 3).mean()
    kernel = (b @ b.T / 2 + 1) ** 3
    assert value == pytest.approx(within + kernel[~np.eye(8, dtype=bool)].mean() - 2 * cross)


def test_precision_and_recall_of_half_a_world(rng):
    real = np.concatenate([rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 50])
    fake = rng.normal(size=(200, 2))
    precision, recall = q.precision_recall(fake, real)
    assert precision > 0.85 and recall == pytest.approx(0.5, abs=0.05)
    assert "compare equal numbers" in q.precision_recall(fake[:50], real)[0].note
    with pytest.raises(GammaFaceError, match="k=200"):
        q.precision_recall(fake, real, k=200)


def test_chunks_do_not_matter(rng, monkeypatch):
    a, b = rng.normal(size=(70, 3)), rng.normal(size=(90, 3))
    whole = q.nearest(a, b), q.nearest(a, a, leave_out_self=True), q.precision_recall(a, b)
    monkeypatch.setattr(q, "CHUNK", 16)
    cut = q.nearest(a, b), q.nearest(a, a, leave_out_self=True), q.precision_recall(a, b)
    for one, two in zip(whole, cut, strict=True):
        assert np.allclose(one, two)
    assert (whole[1][0] > 0).all()


@pytest.mark.parametrize("kind", ["kernel", "frechet"])
def test_shares_do_not_move_a_group_matched_distance(rng, kind):
    def people(n_a, n_b):
        x = np.concatenate([rng.normal(size=(n_a, 4)), rng.normal(size=(n_b, 4)) + 4])
        return x, np.repeat(["a", "b"], [n_a, n_b])

    (x, gx), (y, gy) = people(360, 100), people(100, 360)
    table = quality_by_group(x, gx, y, gy, kind=kind, dimensions=4, resamples=60)
    overall = q.kernel_distance(x, y) if kind == "kernel" else q.frechet_distance(x, y)
    mean = table.iloc[-1]
    assert mean["value"] < 0.1 * overall and table["n"].tolist() == [100, 100, 200]
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()
    far = quality_by_group(x + 1, gx, y, gy, kind=kind, dimensions=4, resamples=60).iloc[-1]
    assert far["low"] > mean["high"]


def test_small_groups_are_left_out_in_words(rng):
    x, g = rng.normal(size=(80, 2)), np.repeat(["many", "few"], [70, 10])
    table = quality_by_group(x, g, x[::-1], g[::-1], resamples=20).set_index("group")
    assert np.isnan(table.loc["few", "value"]) and table.loc["few", "note"] == "10 images, under 30"
    assert table.loc["mean over groups", "note"] == "1 groups left out"


def test_refusals(rng):
    x = rng.normal(size=(5, 2))
    with pytest.raises(GammaFaceError, match="cannot be compared"):
        q.frechet_distance(x, x[:, :1])
    with pytest.raises(GammaFaceError, match="NaN"):
        q.kernel_distance(x, x * np.nan)
    with pytest.raises(GammaFaceError, match="kind='fid'"):
        quality_by_group(x, [0] * 5, x, [0] * 5, kind="fid")
    with pytest.raises(GammaFaceError, match="differ in length"):
        quality_by_group(x, [0], x, [0] * 5)
