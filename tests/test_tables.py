import pandas as pd

from gammaface.downstream.comparison import number
from gammaface.tables import Format, render


def test_minus_signs_are_what_each_format_reads():
    table = pd.DataFrame({"Bias": [number(-0.02, signed=True)], "note": ["5% & more"]})
    assert "$-$.020 & 5\\% \\& more" in render(table, Format.latex)
    assert render(table, Format.csv) == "Bias,note\n-.020,5% & more\n"
    assert "\N{MINUS SIGN}.020" in render(table, Format.md)
