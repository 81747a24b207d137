"""Do classifiers trained with generated faces become fairer? The paper's tables 1-4.

`tasks` says what is asked, `faces` and `labelled` what it is asked of, `cells` keeps one
answer, `study` computes them all, `figures`, `layout` and `claims` read them.
"""
