import pytest

from gammaface import GammaFaceError
from gammaface.rebalance.bundle import write_generator


def test_a_model_that_cannot_be_written_is_said_in_words(generator, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GammaFaceError, match="the model cannot be written"):
        write_generator(tmp_path / "file" / "model", generator, generator.unet)
