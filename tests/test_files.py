import pytest

from gammaface import GammaFaceError
from gammaface.files import check_writable


def test_a_place_is_tried_before_the_work_and_nothing_is_left(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "new" / "newer")
    assert not list(tmp_path.iterdir())
    file = tmp_path / "0.png"
    file.write_text("")
    for place in (file, file / "x", file / "x" / "y", tmp_path / ("a" * 300)):
        with pytest.raises(GammaFaceError, match="the folder cannot be written: .*Give another --out"):
            check_writable(place)
