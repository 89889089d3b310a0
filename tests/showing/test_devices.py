"""Records of an accelerator beside those of a processor, on records whose answer is known."""

import pytest
from factory import run

from reluclf.judging.verdicts import judge
from reluclf.showing import devices


def made(head, seed, device, hits=None):
    hits = hits or (0.95 if head == "softmax" else 0.9)
    one = run("mnist", "cnn", head, "carried", seed, hits=hits + seed / 1000)
    where = one.provenance.model_copy(update={"device": device})
    return one.model_copy(update={"provenance": where})


@pytest.fixture
def records():
    slow = [made(head, seed, "CPU, one") for head in ("relu", "softmax") for seed in (1, 2, 3)]
    fast = [made("relu", seed, "NVIDIA H200") for seed in (4, 5, 6, 7, 8)]
    return slow + fast


def test_only_networks_with_runs_of_both_are_compared(records):
    frame = devices.table(records)
    assert frame["network"].tolist() == ["MNIST CNN-ReLU"]
    assert frame["without accelerators"].tolist() == ["3 of 8"]
    assert frame["accelerators − processors"][0].startswith("+0.4")


def test_differences_are_counted_one_by_one_and_corrected_for_their_number(records):
    told = {"devices_tested": "1", "devices_apart": "1", "devices_apart_holm": "1"}
    assert devices.numbers(records) == told
    none = {"devices_tested": "0", "devices_apart": "none", "devices_apart_holm": "none"}
    assert devices.numbers(records[:6]) == none


def test_a_verdict_that_processors_alone_would_not_give_is_named():
    def cell(hits, seeds, device):
        return [made("relu", seed, device, hits) for seed in seeds]

    low, high = cell(0.5, (1, 2, 3, 4), "CPU, one"), cell(0.97, (5, 6, 7, 8), "NVIDIA H200")
    both = low + high
    found = devices.otherwise(judge(both), both).set_index("item")
    assert found.loc["C12", "question"] == "as run"
    assert found.loc["C12", "verdict"] == "reproduced in some runs"
    assert found.loc["C12", "by the runs on processors alone"] != "reproduced in some runs"
    alone = low + cell(0.5, (5, 6, 7, 8), "CPU, one")
    assert devices.otherwise(judge(alone), alone)["item"].tolist() == ["–"]


def test_without_an_accelerator_there_is_nothing_to_compare(records):
    assert devices.table(records[:6]).empty
