"""Which runs a verdict waits for, and which enter none."""

import pytest
from factory import of_cell, record, runs, verdict

from reluclf import Spec, paths
from reluclf.judging.design import AS_RUN, Cell, Lacking, cells_of, planned, unfit
from reluclf.judging.evidence import Evidence, of_setting, under
from reluclf.judging.status import Status

CNN = Cell("mnist", "cnn", "relu", "as run")
WRITTEN = CNN._replace(condition="as written")
TEN_FOLDS = CNN._replace(condition="as written, ten folds")
WDBC = Cell("wdbc", "ffnn", "relu", "as run")


def seeds(records, cell):
    return [run.spec.seed for run in Evidence(records).there(cell)]


def test_complete_cells_are_handed_out_by_seed():
    made = runs(CNN)
    (found,) = Evidence(made[::-1]).runs(CNN)
    assert [run.spec.seed for run in found] == list(range(1, 9))


def test_all_cells_that_lack_runs_are_named_at_once():
    softmax = CNN._replace(head="softmax")
    with pytest.raises(Lacking) as lack:
        Evidence(runs(CNN)[1:]).runs(CNN, softmax)
    assert lack.value.cells == {CNN: (7, 8), softmax: (0, 8)}
    assert str(lack.value) == "MNIST CNN-ReLU, as run: 7 of 8; MNIST CNN-Softmax, as run: 0 of 8"


@pytest.mark.parametrize("k, given", [(1, False), (2, True)])
def test_two_runs_are_shown_early_but_enter_no_verdict(k, given):
    made = runs(CNN)[:k]
    early = Evidence(made, early=True)
    if given:
        assert len(early.runs(CNN)[0]) == k
    else:
        with pytest.raises(Lacking):
            early.runs(CNN)
    with pytest.raises(Lacking):
        early.view().runs(CNN)
    assert verdict("C12", made).as_run.status == Status.WAITING


def test_a_run_beyond_the_design_is_named_and_enters_no_verdict():
    made, beyond = runs(CNN), of_cell(CNN, 9, hits=0.1)
    assert seeds([*made, beyond], CNN) == list(range(1, 9))
    assert unfit([*made, beyond]) == [(beyond, "the design has seeds 1 to 8")]
    assert verdict("C12", [*made, beyond]) == verdict("C12", made)
    assert unfit(made) == []


@pytest.mark.parametrize(
    "fields, why",
    [
        ({"epochs": 64}, "it has 64 epochs, the design 32"),
        ({"samples": 1000}, "it has 1000 samples, the design all"),
        ({"folds": 9}, "it has 9 folds, the design 10"),
        ({"seed": 9, "epochs": 5}, "it has 5 epochs, the design 32; the design has seeds 1 to 8"),
        ({"clipnorm": 1.0}, None),
    ],
    ids=str,
)
def test_a_run_of_the_design_but_for_its_length_is_named_and_enters_no_verdict(fields, why):
    spec = Spec(**{**of_cell(CNN, 1).spec.model_dump(), **fields})
    other = record(spec, [0.9] * spec.folds, 0.9)
    assert unfit([other, *runs(CNN)]) == ([(other, why)] if why else [])
    assert seeds([other], CNN) == []


def test_a_fresh_run_with_fewer_folds_or_none_is_one_as_written():
    assert unfit([of_cell(WRITTEN, 1), of_cell(WRITTEN, 2, folds=[0.9] * 3)]) == []


def test_of_two_runs_of_a_seed_the_one_with_more_folds_counts_and_the_other_is_named():
    once, whole = of_cell(WRITTEN, 2, hits=0.5), of_cell(TEN_FOLDS, 2, hits=0.7)
    made = [once, whole, of_cell(WRITTEN, 3)]
    assert Evidence(made).there(WRITTEN)[0] == whole
    why = "the run of the same seed with more folds counts in its place"
    assert unfit(made) == unfit(made[::-1]) == [(once, why)]


def test_a_run_beyond_one_cell_counts_in_the_other_that_has_it():
    made = of_cell(TEN_FOLDS, 4)
    assert seeds([made], WRITTEN) == [4] and seeds([made], TEN_FOLDS) == []
    assert unfit([made]) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": 5},
        {"samples": 1000},
        {"folds": 9},
        {"batch_size": 128},
        {"loss": "verbatim"},
        {"learning_rate": 1e-4},
        {"clipnorm": 1.0},
        {"bias": 1.0},
        {"features": "shuffled"},
    ],
    ids=str,
)
def test_a_run_under_another_condition_never_enters(fields):
    folds = fields.get("folds", 10)
    spec = Spec(
        dataset="mnist",
        architecture="cnn",
        head="relu",
        protocol="carried",
        seed=1,
        **fields,
    )
    other = record(spec, [0.9] * folds, 0.9)
    assert cells_of(spec) == [] and seeds([other], CNN) == []


@pytest.mark.parametrize(
    "fields, condition",
    [
        ({}, "as written"),
        ({"clipnorm": 1.0}, "clipped"),
        ({"bias": 1.0}, "initial bias"),
        ({"hidden": "leaky_relu"}, "leaky hidden units"),
        ({"features": "pixels"}, "pixels"),
        ({"features": "shuffled"}, "shuffled components"),
        ({"clipnorm": 1.0, "bias": 1.0}, None),
        ({"clipnorm": 2.0}, None),
    ],
    ids=str,
)
def test_a_run_of_a_changed_network_belongs_to_its_condition_alone(fields, condition):
    spec = Spec(
        dataset="mnist",
        architecture="cnn",
        head="relu",
        protocol="fresh",
        seed=1,
        folds=0,
        **fields,
    )
    assert [cell.condition for cell in cells_of(spec)] == ([condition] if condition else [])


def test_the_authors_code_trained_on_raw_measurements():
    raw = of_cell(WDBC, 1)
    assert raw.spec.features == "raw"
    standardised = Spec(**{**raw.spec.model_dump(), "features": "paper"})
    assert cells_of(raw.spec) == [WDBC] and cells_of(standardised) == []
    written = Spec(**{**standardised.model_dump(), "protocol": "fresh"})
    assert [cell.condition for cell in cells_of(written)] == ["as written", TEN_FOLDS.condition]


@pytest.mark.parametrize("order", [1, -1])
def test_of_runs_that_differ_in_their_folds_the_one_with_most_counts(order):
    made = [of_cell(WRITTEN, 1, folds=[0.9] * n) for n in (0, 3, 10)][::order]
    (found,) = Evidence(made).there(WRITTEN)
    assert found.spec.folds == 10
    assert [run.spec.folds for run in Evidence(made).there(TEN_FOLDS)] == [10]


@pytest.mark.parametrize(
    "ask, n",
    [
        (lambda evidence: evidence.runs(CNN), 8),
        (lambda evidence: evidence.there(CNN), 8),
        (lambda evidence: evidence.before_complete().runs(CNN), 8),
        (lambda evidence: evidence.of_setting(architecture="cnn"), 8),
        (lambda evidence: of_setting(evidence, {"clipnorm": 1.0}), 0),
        (lambda evidence: under(evidence, AS_RUN, "mnist", head="relu"), 8),
        (list, 9),
    ],
)
def test_evidence_knows_what_it_handed_out_whichever_way_it_was_asked(ask, n):
    everything = Evidence([*runs(CNN), of_cell(WDBC, 1)])
    view = everything.view()
    ask(view)
    assert len(view.seen) == n and not everything.seen and not view.view().seen


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Puts another design in the place of the book's."""

    def put(text):
        path = tmp_path / "design.yml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr(paths, "DESIGN", path)
        planned.cache_clear()

    yield put
    planned.cache_clear()


ROW = "  - {{condition: {}, networks: [mnist cnn], heads: [softmax, relu], runs: {}}}\n"


def test_the_design_is_read_from_its_file(write):
    write("runs:\n" + ROW.format("as run", 4))
    assert planned() == {CNN: 4, CNN._replace(head="softmax"): 4}
    assert len(Evidence(runs(CNN)).runs(CNN)[0]) == 4


def test_a_cell_that_is_named_twice_is_refused(write):
    write("runs:\n" + ROW.format("as run", 4) + ROW.format("as run", 5))
    with pytest.raises(ValueError, match=r"design.yml names MNIST CNN-Softmax, as run twice; name"):
        planned()


def test_an_unknown_condition_is_refused(write):
    write("runs:\n" + ROW.format("as ran", 4))
    with pytest.raises(ValueError, match=r"the condition 'as ran'; there are as run, as written"):
        planned()


def test_every_cell_of_the_design_is_a_network_that_can_be_run():
    assert all(cell in cells_of(of_cell(cell, 1).spec) for cell in planned())
