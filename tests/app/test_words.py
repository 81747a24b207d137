"""Text of a run on a page: as it stands, whatever it holds."""

import pytest

from pages.parts.words import advice, blame, listed, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](http://a.b/c.png)", r"!\[x\](http:%//a.b/c.png)"),
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("see https://a.b or www.a.b or me@a.b", "see https:%//a.b or www%.a.b or me%@a.b"),
        ("<b>x</b> <http://a.b>", r"\<b>x\</b> \<http:%//a.b>"),
        ("*a* _b_ `c` ~~d~~ $e$ :red[f]", r"\*a\* \_b\_ \`c\` \~\~d\~\~ \$e\$ :red\[f\]"),
        ("# heading", r"\# heading"),
        ("1. item", r"1\. item"),
        ("- item", r"\- item"),
        ("two\n\n# lines", "two # lines"),
        ("explore-2026 x_t √ᾱ = .44, K = 3 (first-light)", "explore-2026 x_t √ᾱ = .44, K = 3 (first-light)"),
        (7, "7"),
    ],
)
def test_text_of_a_run_is_shown_as_it_stands(text, shown):
    assert plain(text) == shown.replace("%", "\u2060")


def test_commands_stay_commands():
    assert advice("Use `python -m x *` on *it*.") == r"Use `python -m x *` on \*it\*."
    assert blame("no [x] here", "Look.") == r"**No \[x\] here.** Look."
    assert listed(["one [x]", "two"]) == "- one \\[x\\]\n- two"
