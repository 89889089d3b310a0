"""What the frameworks make of zero outputs: the committed answers, and that they can be had again."""

import json

import pytest

from reluclf import formats, paths
from reluclf.campaign.runtime import BackendError
from reluclf.showing import derivations


@pytest.fixture(scope="module")
def committed():
    return json.loads(paths.ZERO_ROWS.read_text(encoding="utf-8"))


def test_the_committed_answers_are_of_all_frameworks_losses_and_rows(committed):
    modes = {
        "tensorflow": ["eager", "graph", "XLA"],
        "jax": ["eager", "XLA"],
        "torch": ["eager"],
        "tensorflow1": ["graph"],
    }
    expected = {
        (b, mode, loss, row)
        for b in derivations.BACKENDS
        for mode in modes[b]
        for loss in ("guarded", "verbatim")
        for row in derivations.ZERO_ROWS
    }
    assert {(a["backend"], a["mode"], a["loss"], a["row"]) for a in committed} == expected and len(
        committed
    ) == len(expected)


def test_what_the_page_says_of_them_is_so(committed):
    for answer in committed:
        undefined = answer["loss"] == "verbatim" and answer["row"] == "all outputs 0"
        assert (answer["value"], answer["outputs"]) == (
            ("NaN", "NaN") if undefined else ("16.118", "0")
        ), answer
        multiplied = answer["backend"].startswith("tensorflow") and answer["mode"] != "XLA"
        assert answer["logits"] == ("NaN" if undefined and multiplied else "0"), answer


@pytest.mark.slow
def test_tensorflow_gives_the_committed_answers_again(committed):
    measured = derivations.answers("tensorflow")
    kept = [answer for answer in committed if answer["backend"] == "tensorflow"]
    assert [answer | {"version": "", "keras": ""} for answer in measured] == [
        answer | {"version": "", "keras": ""} for answer in kept
    ]


def test_measuring_one_framework_keeps_the_answers_of_the_others(tmp_path, monkeypatch, committed):
    file = tmp_path / "zero-rows.json"
    file.write_text(json.dumps([answer | {"value": "old"} for answer in committed]))
    monkeypatch.setattr(paths, "ZERO_ROWS", file)
    monkeypatch.setattr(
        derivations,
        "answers",
        lambda backend: [answer for answer in committed if answer["backend"] == backend],
    )
    monkeypatch.setattr(derivations.importlib.util, "find_spec", lambda name: name == "tensorflow")
    assert derivations.measure_zero_rows() == ["tensorflow"]
    assert {
        answer["backend"] for answer in json.loads(file.read_text()) if answer["value"] == "old"
    } == {"jax", "torch", "tensorflow1"}


def test_a_framework_that_is_not_there_is_named():
    with pytest.raises(BackendError, match="nonesuch gave no answers"):
        derivations.answers("nonesuch")


def test_the_table_has_a_row_for_each_way_to_run_a_framework(committed):
    frame = derivations.zero_rows()
    assert len(frame) == len({(answer["backend"], answer["mode"]) for answer in committed})
    assert {
        f"{loss}, {row}"
        for loss in ("guarded loss", "Keras's own loss")
        for row in derivations.ZERO_ROWS
    } <= set(frame.columns)


def test_without_measurements_there_is_nothing_to_show(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ZERO_ROWS", tmp_path / "none.json")
    assert derivations.zero_rows().empty


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.1e-16, "1.1e-16"),
        (0.0033, "0.0033"),
        (0.7251, "0.725"),
        (999.6, "1,000"),
        (10_000.4, "10,000"),
    ],
)
def test_a_number_of_any_size_is_written_so_that_it_can_be_read(value, text):
    assert formats.magnitude(value) == text
