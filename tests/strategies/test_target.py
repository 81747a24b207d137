import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gammaface import GammaFaceError
from gammaface.strategies import Reader, Target, as_labeller, coarsened
from gammaface.strategies.labelling import cell_probabilities, cells_of, check_target
from gammaface.strategies.target import largest_remainder, spread

CLASSES = {"gender": ("female", "male"), "race": ("white", "black", "other")}


def test_cells_are_row_major_and_named():
    target = Target.even(("gender", "race"), CLASSES)
    assert target.names[1] == "female, black" and target.names[3] == "male, white"
    assert np.allclose(target.shares, 1 / 6)
    assert target.class_of(np.arange(6), "gender").tolist() == [0, 0, 0, 1, 1, 1]
    assert target.class_of(np.arange(6), "race").tolist() == [0, 1, 2, 0, 1, 2]


def test_shares_by_name():
    target = Target.of(("race",), CLASSES, {"black": 0.75, "white": 0.25})
    assert target.shares.tolist() == [0.25, 0.75, 0.0]
    assert target.quota(8).tolist() == [2, 6, 0]


shares = st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda x: sum(x) > 1e-3)


@given(shares, st.integers(1, 300))
def test_quotas_are_the_nearest_whole_numbers(weights, n):
    exact = np.array(weights) / sum(weights)
    counts = largest_remainder(exact, n)
    assert counts.sum() == n and (counts >= 0).all()
    assert (abs(counts - exact * n) < 1 + 1e-6).all()


@given(shares, st.integers(1, 300))
def test_every_stretch_of_places_is_balanced(weights, n):
    """No prefix is more than one image a cell from its share, so blocks are balanced, too."""
    counts = largest_remainder(np.array(weights) / sum(weights), n)
    order = spread(counts)
    assert np.bincount(order, minlength=len(counts)).tolist() == counts.tolist()
    running = np.cumsum(order[:, None] == np.arange(len(counts)), axis=0)
    even = np.arange(1, n + 1)[:, None] * counts / n
    assert abs(running - even).max() < len(counts)


@pytest.mark.parametrize(
    "attributes, given, message",
    [
        (("gender",), [0.5, 0.6], "are not 2 shares"),
        (("gender",), [1.5, -0.5], "are not 2 shares"),
        (("gender",), [0.5, np.nan], "are not 2 shares"),
        (("gender",), [1.0], "are not 2 shares"),
        (("gender",), {"man": 1.0}, "no cell 'man'"),
        (("mood",), [1.0], "'mood' is not known. Choose from gender, race"),
        (("gender", "gender"), [0.25] * 4, "over the attributes gender, gender"),
        ((), [1.0], r"over the attributes \(none\)"),
    ],
)
def test_refused_targets(attributes, given, message):
    with pytest.raises(GammaFaceError, match=message):
        Target.of(attributes, CLASSES, given)


def reader(**probabilities):
    return Reader(CLASSES, lambda images: {k: np.array(v) for k, v in probabilities.items()})


def test_joint_probabilities_are_products():
    target = Target.even(("race", "gender"), CLASSES)
    read = reader(gender=[[0.9, 0.1]], race=[[0.2, 0.5, 0.3]]).probabilities(None)
    joint = cell_probabilities(target, read)
    assert joint.round(3).tolist() == [[0.18, 0.02, 0.45, 0.05, 0.27, 0.03]]
    assert cells_of(target, read).tolist() == [2]


def test_classes_can_be_joined():
    joined = coarsened(
        reader(race=[[0.2, 0.5, 0.3]]),
        "is_white",
        "race",
        dict.fromkeys(CLASSES["race"], "no") | {"white": "yes"},
    )
    assert joined.classes["is_white"] == ("yes", "no")
    assert joined.probabilities(None)["is_white"].round(3).tolist() == [[0.2, 0.8]]
    with pytest.raises(GammaFaceError, match="no group was given for black, other"):
        coarsened(reader(), "x", "race", {"white": "yes"})


def test_an_attribute_classifier_is_a_labeller():
    """The bundled network's heads are the attributes, and race3 is the paper's grouping."""
    from gammaface.attributes import AttributeClassifier, Calibration
    from gammaface.classifiers.attribute_network import ARCHITECTURES, HEADS, AttributeNetwork

    network = AttributeNetwork(ARCHITECTURES["compact"]).eval()
    calibration = {name: Calibration() for name in HEADS}
    found = as_labeller(AttributeClassifier(network, 64, calibration, "", torch.device("cpu")))
    assert found.classes["race3"] == ("white", "black", "other")
    assert found.classes["gender"] == HEADS["gender"]
    read = found.probabilities(torch.zeros(2, 3, 64, 64))
    assert np.allclose(read["race3"][:, 2], read["race"][:, 2:].sum(1))
    assert np.allclose(read["race3"].sum(1), 1)
    assert as_labeller(found) is found


def test_refused_labellers():
    with pytest.raises(GammaFaceError, match="a str names no attributes"):
        as_labeller("attributes")
    other = Reader({"gender": ("f", "m")}, lambda images: {})
    with pytest.raises(GammaFaceError, match="does not name the attribute 'race'. Choose from gender"):
        check_target(Target.even(("race",), CLASSES), other)
    with pytest.raises(GammaFaceError, match="target's gender is female, male, the labeller's f, m"):
        check_target(Target.even(("gender",), CLASSES), other)
