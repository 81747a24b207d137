import pytest

from gammaface import GammaFaceError
from gammaface.baselines import METHODS
from gammaface.downstream.cells import Cell
from gammaface.downstream.grid import Grid, parse_method, parse_percent, parse_seeds
from gammaface.downstream.tasks import parse_tasks

TASKS = parse_tasks(["gender", "race"], ["utkface"])


def test_every_task_method_and_seed_once():
    cells = Grid(TASKS, [*METHODS, "baseline"], seeds=(0, 1)).cells()
    assert len(cells) == len({c.name for c in cells}) == 2 * 2 * len(METHODS)
    assert {c.share for c in cells if c.source} == {0.5}


def test_gamma_face_and_its_control_run_at_every_ratio():
    methods = ["baseline", "plain-augment", "targeted", "gamma-face", "gamma-face@stratified:50"]
    cells = Grid(TASKS[:1], methods, shares=(0.3, 0.5, 1.0)).cells()
    assert [(c.method, c.share) for c in cells] == [
        ("baseline", 0.0),
        ("plain-augment", 0.3),
        ("plain-augment", 0.5),
        ("plain-augment", 1.0),
        ("targeted", 0.5),
        ("gamma-face", 0.3),
        ("gamma-face", 0.5),
        ("gamma-face", 1.0),
        ("gamma-face", 0.5),
    ]
    assert {c.control() for c in cells if c.method == "gamma-face"} <= set(cells)


def test_arms_vary_one_thing_at_a_time():
    grid = Grid(
        TASKS[:1],
        ["pass", "plain-augment", "gamma-face", "gamma-face@stratified"],
        designs=("fixed", "additive"),
        labellers=("full", "subset-only"),
        min_ps=(0.0, 0.9),
    )
    cells = grid.cells()
    of = {name: [c for c in cells if c.arm.startswith(name)] for name in ("plain", "gamma-face.component")}
    for arms in of.values():
        settings = [(c.design, c.labeller, c.min_p) for c in arms]
        assert settings == [
            ("fixed", "full", 0.0),
            ("additive", "full", 0.0),
            ("fixed", "subset-only", 0.0),
            ("fixed", "full", 0.9),
        ]
    assert len(cells) == 1 + 4 + 4 + 1


def test_names_tell_cells_apart():
    cell = Cell("utkface", "gender", "gamma-face", 2, "component-uniform", 0.7)
    assert cell.name == "utkface.gender.gamma-face.component-uniform.70.fixed.full.p0.s2"
    assert cell.control().arm == "plain-augment.plain.70.fixed.full.p0"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: parse_method("magic"), "no method 'magic'"),
        (lambda: parse_method("pass@plain"), "takes no generated faces"),
        (lambda: parse_method("gamma-face:0"), "no generated share"),
        (lambda: parse_percent("130"), "'130' is no generated share"),
        (lambda: parse_percent("half"), "'half' is no generated share"),
        (lambda: parse_seeds("a"), "'a' are no seeds"),
        (lambda: parse_seeds("3..1"), "are no seeds"),
        (lambda: parse_seeds("-1"), "are no seeds"),
        (lambda: Cell("utkface", "gender", "pass", 0, labeller="me"), "labeller 'me'"),
        (lambda: Cell("utkface", "gender", "pass", 0, min_p=2.0), "out of range"),
        (lambda: Cell("utkface", "gender", "gamma-face", 0, "plain", 1.0, "additive"), "100%"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(GammaFaceError, match=words):
        call()
