import pytest

from gammaface import GammaFaceError
from gammaface.models.names import Named, take_apart


def test_names_are_taken_apart():
    assert take_apart("google/ddpm@v1").revision == "v1"
    assert take_apart("/some/at@path").base == "/some/at@path"
    assert take_apart("owner/name@v1#3+pag2") == Named("owner/name", "v1", 3, 2.0)


@pytest.mark.parametrize(
    ("name", "suffix"), [("a", ""), ("a#3", "#3"), ("a+pag", "+pag2"), ("a#3+pag0.50", "#3+pag0.5")]
)
def test_one_way_to_write_what_stands_behind_a_name(name, suffix):
    assert take_apart(name).suffix == suffix


@pytest.mark.parametrize("scale", ["0", "0.000", "-1", "1e3", "nan", "11", "1.", "1.23456", "x", "1#3"])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(GammaFaceError, match="no scale of guidance"):
        take_apart(f"faces+pag{scale}")


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "faces+pagx"
    folder.mkdir()
    assert take_apart(str(folder)) == Named(str(folder))
