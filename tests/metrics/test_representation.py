import numpy as np
import pytest

from gammaface import GammaFaceError, metrics


def test_representation_reports_sets_floor_and_correction():
    rng = np.random.default_rng(0)
    labels = (rng.random(5000) < 0.45).astype(int)
    report = metrics.representation(labels, 2, size=1000, recalls_or_confusion=(0.9, 0.8))
    values = [metrics.fairness_discrepancy(labels[i : i + 1000], 2) for i in range(0, 5000, 1000)]
    assert report.discrepancy == pytest.approx(np.mean(values))
    assert report.sd == pytest.approx(np.std(values, ddof=1))
    assert report.noise_floor == metrics.noise_floor(2, 1000)
    # 55% predicted class 0 at these recalls means an even generator.
    assert report.corrected < 0.02 < report.discrepancy
    assert report.note == ""


def test_too_few_samples_make_smaller_sets():
    report = metrics.representation([0, 1] * 50, 2)
    assert (report.sets, report.size) == (5, 20)
    assert report.note == "sets of 20 samples instead of 10000"
    assert np.isnan(report.corrected)


def test_noise_floor_is_what_a_fair_sampler_shows():
    labels = np.random.default_rng(0).integers(0, 6, (400, 1000))
    squares = [metrics.fairness_discrepancy(row, 6) ** 2 for row in labels]
    assert np.sqrt(np.mean(squares)) == pytest.approx(metrics.noise_floor(6, 1000), rel=0.05)


def test_cleam_outside_the_simplex():
    corrected = metrics.cleam(0.95, (0.9, 0.8))
    assert corrected.shares.tolist() == [1, 0]
    assert "outside the simplex" in corrected.note


def test_cleam_with_a_blind_classifier():
    corrected = metrics.cleam(0.5, (0.5, 0.5))
    assert np.isnan(corrected.shares).all()
    assert corrected.note == "the classifier cannot tell the classes apart"


def test_share_table():
    table = metrics.share_table([0] * 980 + [1] * 20, 3, recalls_or_confusion=np.eye(3))
    assert table["share"].tolist() == [0.98, 0.02, 0]
    assert table["corrected"].tolist() == pytest.approx([0.98, 0.02, 0])
    assert table["n"].tolist() == [980, 20, 0]
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()
    assert table["note"].tolist() == ["", "20 samples, under 30", "0 samples, under 30"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.fairness_discrepancy([], 2), "no samples"),
        (lambda: metrics.fairness_discrepancy([0, 2], 2), "labels run from 0 to 2"),
        (lambda: metrics.fairness_discrepancy([0.5, 0.2], 2), "not probabilities"),
        (lambda: metrics.fairness_discrepancy([[0.5, np.nan]], 2), "not probabilities"),
        (lambda: metrics.fairness_discrepancy([[0.5, 0.5]], 3), "neither labels nor prob"),
        (lambda: metrics.fairness_discrepancy([0, 1], 2, kind="soft"), "no soft shares"),
        (lambda: metrics.fairness_discrepancy([0, 1], 1), "n_classes=1 is too few"),
        (lambda: metrics.noise_floor(2, 0), "n=0 samples"),
        (lambda: metrics.cleam([0.5, 0.5], np.eye(3)), "do not match"),
        (lambda: metrics.cleam([0.5, 0.2], np.eye(2)), "shares do not add up"),
        (lambda: metrics.cleam([0.5, 0.5], 2 * np.eye(2)), "columns of M do not add up"),
        (lambda: metrics.cleam([1.5, -0.5], np.eye(2)), "cannot be negative"),
        (lambda: metrics.cleam(0.5, (0.9, 0.8), sd=0.1), "an interval needs"),
        (lambda: metrics.importance_weights([1, 0]), "class 1 has share 0"),
        (lambda: metrics.representation([0, 1], 2), "cannot be split into 5 sets"),
        (lambda: metrics.share_table([0.5, 0.5], 2), "shares alone have no interval"),
    ],
)
def test_refused(call, message):
    with pytest.raises(GammaFaceError, match=message):
        call()
