"""The filmstrip: frames where they were asked for, and the last one the finished face."""

import numpy as np
import pytest
from PIL import Image

from gammaface.balancing import draw_seeds
from gammaface.errors import GammaFaceError
from gammaface.images import to_uint8
from gammaface.studies.film import frame, record_film


@pytest.fixture(scope="module")
def film(tiny, tmp_path_factory):
    return record_film(
        tiny, out=tmp_path_factory.mktemp("films") / "film", seeds=(3, 7), sqrt_abars=(0.1, 0.44), steps=4
    )


def test_a_frame_for_every_seed_and_moment(film, tiny):
    frames = film.table("frames")
    assert frames.groupby("seed").size().to_dict() == {3: 3, 7: 3}
    assert frames["t"].tolist()[:3] == [tiny.timestep_at(0.1), tiny.timestep_at(0.44), -1]
    assert frames["sqrt_abar"].tolist()[:3] == pytest.approx([0.1, 0.44, 1.0], abs=5e-3)
    for row in frames.itertuples():
        assert all(frame(film, row.seed, row.t, what).is_file() for what in ("x_t", "x0"))


def test_the_last_frame_is_the_face_of_that_seed(film, tiny):
    through = [tiny.timestep_at(0.1), tiny.timestep_at(0.44)]
    last, same = (np.asarray(Image.open(frame(film, 7, -1, what)), dtype=int) for what in ("x0", "x_t"))
    face = to_uint8(draw_seeds(tiny, [7], steps=4, through=through).images)[0].astype(int)
    assert abs(last - face).max() <= 1 and (last == same).all()


def test_seeds_do_not_depend_on_their_neighbours(film, tiny, tmp_path):
    alone = record_film(tiny, out=tmp_path / "alone", seeds=(7,), sqrt_abars=(0.1, 0.44), steps=4)
    t = tiny.timestep_at(0.44)
    one, two = (np.asarray(Image.open(frame(run, 7, t, "x0")), dtype=int) for run in (alone, film))
    assert abs(one - two).max() <= 1


def test_an_unknown_scheduler_is_refused(tiny, tmp_path):
    with pytest.raises(GammaFaceError, match="no sampler 'euler'"):
        record_film(tiny, out=tmp_path / "film", sampler="euler")
