import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.labelling.skin import BANDS, to_lab, typology_angle


def plain(*rgb):
    return (torch.tensor(rgb).view(1, 3, 1, 1) / 127.5 - 1).expand(1, 3, 64, 64).clone()


def test_lab_of_known_colours():
    red, blue, grey = to_lab(np.array([[1.0, 0, 0], [0, 0, 1], [0.5, 0.5, 0.5]]))
    assert red == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert blue == pytest.approx([32.30, 79.19, -107.86], abs=0.02)
    assert grey == pytest.approx([53.39, 0, 0], abs=0.02)


def test_skin_colours_fall_into_their_bands():
    colours = [(244, 208, 177), (231, 180, 143), (210, 158, 124), (186, 119, 80), (165, 94, 43), (60, 31, 29)]
    table = typology_angle(torch.cat([plain(*c) for c in colours]))
    assert table["ita"].is_monotonic_decreasing and table["ita"].between(-90, 90).all()
    assert table["tone"].iloc[-1] == "dark" and set(table["tone"]) <= set(BANDS)


def test_only_the_cheeks_count():
    face = plain(210, 158, 124)
    alone = typology_angle(face)
    face[:, :, :30] = -1  # forehead and eyes
    face[:, :, 34:36, 14:16] = 1  # a glint
    assert typology_angle(face)["ita"][0] == pytest.approx(alone["ita"][0], abs=1e-6)


def test_no_yellow_has_no_angle():
    table = typology_angle(plain(120, 120, 200))
    assert table["ita"].isna().all() and table["tone"].isna().all() and table["b"][0] < 0


def test_refusals():
    with pytest.raises(GammaFaceError, match="shape"):
        typology_angle(torch.zeros(3, 8, 8))
    with pytest.raises(GammaFaceError, match="empty or outside"):
        typology_angle(plain(1, 2, 3), regions=((0.5, 0.5, 0.5, 0.6),))
