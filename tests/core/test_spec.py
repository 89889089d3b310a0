"""Specs: where a record is kept, and what is refused before anything is trained."""

import pickle
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluclf import Spec, SpecError, first, grid, paths

PLAIN = {
    "dataset": "mnist",
    "architecture": "ffnn",
    "head": "relu",
    "protocol": "carried",
    "seed": 3,
}
WDBC = PLAIN | {"dataset": "wdbc"}

VALUES = {
    "dataset": ["mnist", "fashion_mnist", "wdbc"],
    "architecture": ["ffnn", "cnn"],
    "head": ["softmax", "relu", "leaky_relu", "relu_softmax", "sparsemax"],
    "protocol": ["carried", "fresh"],
    "seed": [0, 1, 12, 2**31 - 1],
    "loss": ["guarded", "verbatim"],
    "features": ["paper", "raw", "pixels", "shuffled"],
    "epochs": [1, 32, 10_000],
    "folds": [0, 1, 10],
    "batch_size": [1, 256],
    "optimizer": ["adam"],
    "learning_rate": [None, 0.001, 1e-5, 1],
    "clipnorm": [None, 1.0, 0.5],
    "beta_2": [0.999, 0.9, 0.0],
    "bias": [0.0, -0.0, 1, -0.25],
    "floor": [0.0, 0.1],
    "hidden": ["relu", "leaky_relu"],
    "samples": [None, 100, 300, 60_000],
}


def test_no_field_is_left_out_of_these_tests():
    assert set(VALUES) == set(Spec.model_fields)


def spec_or_none(fields):
    try:
        return Spec(**fields)
    except SpecError:
        return None


def test_the_path_of_a_plain_spec_names_what_has_no_default():
    assert Spec(**PLAIN).path == PurePosixPath("mnist/ffnn-relu/carried/seed-3.json")


def test_defaults_do_not_enter_the_path_even_when_they_are_spelt_out():
    assert (
        Spec(
            **PLAIN,
            epochs=32,
            folds=10,
            batch_size=256,
            loss="guarded",
            features="paper",
            samples=None,
        ).path
        == Spec(**PLAIN).path
    )


@pytest.mark.parametrize(
    "field, value",
    [
        ("loss", "verbatim"),
        ("features", "pixels"),
        ("epochs", 2),
        ("folds", 3),
        ("batch_size", 64),
        ("samples", 1000),
        ("learning_rate", 1e-05),
        ("clipnorm", 1.0),
    ],
)
def test_a_value_other_than_the_default_enters_the_path(field, value):
    assert Spec(**PLAIN, **{field: value}).path == PurePosixPath(
        f"mnist/ffnn-relu/carried,{field}={value}/seed-3.json"
    )


def test_several_such_values_stand_in_the_order_of_the_fields():
    spec = Spec(**PLAIN, samples=1000, epochs=2, loss="verbatim")
    assert (
        str(spec.path) == "mnist/ffnn-relu/carried,loss=verbatim,epochs=2,samples=1000/seed-3.json"
    )


def test_a_spec_prints_as_its_path_without_the_suffix():
    assert str(Spec(**PLAIN)) == "mnist/ffnn-relu/carried/seed-3"


@pytest.mark.parametrize(
    "fields, named",
    [
        (
            PLAIN | {"dataset": "cifar"},
            ["dataset", "'cifar'", "'mnist'", "'fashion_mnist'", "'wdbc'"],
        ),
        (PLAIN | {"architecture": "rnn"}, ["architecture", "'rnn'", "'ffnn'", "'cnn'"]),
        (PLAIN | {"head": "tanh"}, ["head", "'tanh'", "'softmax'", "'relu'"]),
        (PLAIN | {"protocol": "loocv"}, ["protocol", "'loocv'", "'carried'", "'fresh'"]),
        (PLAIN | {"loss": "mse"}, ["loss", "'mse'", "'guarded'", "'verbatim'"]),
        (PLAIN | {"features": "hog"}, ["features", "'hog'", "'paper'"]),
        (PLAIN | {"seed": -1}, ["seed", "-1", "greater than or equal to 0"]),
        (PLAIN | {"seed": 2**31}, ["seed", str(2**31), "less than"]),
        (PLAIN | {"seed": 1.0}, ["seed", "1.0", "integer"]),
        (PLAIN | {"seed": "1"}, ["seed", "'1'", "integer"]),
        (PLAIN | {"seed": True}, ["seed", "True", "integer"]),
        (PLAIN | {"epochs": 0}, ["epochs", "0", "greater than or equal to 1"]),
        (PLAIN | {"folds": 11}, ["folds", "11", "less than or equal to 10"]),
        (PLAIN | {"batch_size": 0}, ["batch_size", "0", "greater than or equal to 1"]),
        (PLAIN | {"samples": 99}, ["samples", "99", "greater than or equal to 100"]),
        (PLAIN | {"samples": 299}, ["samples", "299", "300"]),
        (PLAIN | {"folds": 0}, ["folds", "0", "carried", "1 to 10"]),
        (
            PLAIN | {"features": "raw"},
            ["features", "'raw'", "'mnist'", "'paper', 'pixels' and 'shuffled'"],
        ),
        (WDBC | {"features": "pixels"}, ["features", "'pixels'", "'wdbc'", "'paper' and 'raw'"]),
        (
            WDBC | {"features": "shuffled"},
            ["features", "'shuffled'", "'wdbc'", "'paper' and 'raw'"],
        ),
        (WDBC | {"architecture": "cnn"}, ["architecture", "'cnn'", "'wdbc'", "'ffnn'"]),
        (PLAIN | {"optimizer": "lion"}, ["optimizer", "'lion'", "'adam'"]),
        (PLAIN | {"learning_rate": 0.0}, ["learning_rate", "0.0", "greater than 0"]),
        (PLAIN | {"clipnorm": float("nan")}, ["clipnorm", "nan", "1000000"]),
        (PLAIN | {"beta_2": 1.0}, ["beta_2", "1.0", "less than 1"]),
        (PLAIN | {"floor": -0.1}, ["floor", "-0.1", "greater than or equal to 0"]),
        (PLAIN | {"floor": 0.1, "head": "sparsemax"}, ["floor", "0.1", "'sparsemax'", "only 0.0"]),
        (
            PLAIN | {"loss": "verbatim", "head": "softplus"},
            ["loss", "'verbatim'", "'softplus'", "only 'guarded'"],
        ),
        (PLAIN | {"momentum": 0.9}, ["momentum", "not a field", "dataset", "batch_size"]),
        ({name: value for name, value in PLAIN.items() if name != "seed"}, ["seed is missing"]),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused_naming_field_value_and_what_is_allowed(fields, named):
    with pytest.raises(SpecError) as caught:
        Spec(**fields)
    missing = [word for word in named if word not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(SpecError, match=r"head='tanh'.*; .*epochs=0"):
        Spec(**PLAIN | {"head": "tanh", "epochs": 0})


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
)


@given(st.dictionaries(st.one_of(st.sampled_from(list(VALUES)), st.text(max_size=8)), JUNK))
def test_any_junk_is_refused_with_a_spec_error_and_no_other(fields):
    with pytest.raises(SpecError) as caught:
        Spec(**fields)
    assert str(caught.value).endswith(".")


def test_a_field_that_is_called_like_pythons_own_argument_is_refused_like_any_other():
    with pytest.raises(SpecError, match="self is not a field of a spec"):
        Spec(**PLAIN | {"self": 1})


MIXED = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.sampled_from(values), st.sampled_from(values), JUNK)
        for name, values in VALUES.items()
    },
)


@given(MIXED)
def test_half_sensible_fields_give_a_spec_that_holds_them_or_a_spec_error(fields):
    spec = spec_or_none(PLAIN | fields)
    if spec is not None:
        assert {name: getattr(spec, name) for name in PLAIN | fields} == PLAIN | fields


VALID = (
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
    .map(spec_or_none)
    .filter(bool)
)


@given(VALID, VALID)
def test_two_specs_share_a_path_only_if_they_are_equal(one, other):
    assert (one.path == other.path) == (one == other)


@given(VALID)
def test_equal_specs_have_equal_hashes_whether_defaults_are_spelt_out_or_not(spec):
    unset = {
        name: value
        for name, value in spec.model_dump().items()
        if value != Spec.model_fields[name].default
    }
    assert Spec(**unset) == spec
    assert hash(Spec(**unset)) == hash(spec)


@given(VALID)
def test_a_spec_survives_json_and_the_way_to_a_worker(spec):
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Spec(**PLAIN).seed = 4


def test_a_grid_is_in_the_order_of_its_fields_the_last_one_varying_fastest():
    specs = grid(
        dataset="wdbc",
        architecture="ffnn",
        head=("softmax", "relu"),
        protocol=["carried", "fresh"],
        seed=range(1, 3),
    )
    assert [(spec.head, spec.protocol, spec.seed) for spec in specs] == [
        ("softmax", "carried", 1),
        ("softmax", "carried", 2),
        ("softmax", "fresh", 1),
        ("softmax", "fresh", 2),
        ("relu", "carried", 1),
        ("relu", "carried", 2),
        ("relu", "fresh", 1),
        ("relu", "fresh", 2),
    ]


def test_a_grid_over_an_empty_list_is_empty():
    assert grid(**PLAIN | {"seed": []}) == []


def test_a_grid_with_one_impossible_combination_is_refused():
    with pytest.raises(SpecError, match="cnn"):
        grid(**PLAIN | {"dataset": ["mnist", "wdbc"], "architecture": "cnn"})


def test_the_first_seeds_count_from_one():
    assert list(first(3)) == [1, 2, 3]


@pytest.mark.parametrize("n", [0, -1, 10**9])
def test_so_many_seeds_are_refused(n):
    with pytest.raises(SpecError, match=f"{n} seeds are not allowed; 1 to 10000 are"):
        first(n)


# The path names the spec


@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}))
def test_a_spec_is_found_again_from_its_path(fields):
    spec = spec_or_none(fields)
    if spec is not None:
        assert Spec.from_path(spec.path) == spec


@pytest.mark.parametrize(
    "path",
    [
        "mnist/ffnn-relu/carried/seed-x.json",
        "mnist/ffnn-relu/carried/seed-01.json",
        "mnist/ffnn-relu/carried/seed-1.txt",
        "mnist/ffnn/carried/seed-1.json",
        "mnist/ffnn-relu/carried,epochs/seed-1.json",
        "mnist/ffnn-relu/carried,epochs=1+/seed-1.json",
        "mnist/ffnn-relu/carried,epochs=32/seed-1.json",
        "mnist/ffnn-relu/carried,speed=2/seed-1.json",
        "mnist/ffnn-relu/carried,folds=1,epochs=1/seed-1.json",
        "wdbc/cnn-relu/carried/seed-1.json",
        "seed-1.json",
    ],
)
def test_a_path_that_no_spec_has_is_refused(path):
    with pytest.raises(SpecError, match=path.replace("+", r"\+")):
        Spec.from_path(PurePosixPath(path))


def test_a_number_of_numpys_is_as_good_as_pythons():
    network = {"dataset": "wdbc", "architecture": "ffnn", "head": "relu", "protocol": "carried"}
    spec = Spec(**network, seed=np.int64(3), learning_rate=np.float64(0.01))
    assert spec == Spec(**network, seed=3, learning_rate=0.01)
    assert type(spec.seed) is int and type(spec.learning_rate) is float


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_that_docker_leaves_around_a_folder_are_no_part_of_it(quote, tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_RESULTS", f"{quote}{tmp_path}{quote}")
    assert paths.new_results() == tmp_path


def test_a_copy_with_a_name_that_is_no_fields_is_refused():
    network = {"dataset": "wdbc", "architecture": "ffnn", "head": "relu", "protocol": "carried"}
    spec = Spec(**network, seed=3)
    assert spec.model_copy(update={"epochs": 2}) == Spec(**network, seed=3, epochs=2)
    assert spec.model_copy() == spec
    with pytest.raises(SpecError, match="epoch is not a field of a spec; the fields are dataset, "):
        spec.model_copy(update={"epoch": 2})
