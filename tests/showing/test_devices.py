"""Records of an accelerator beside those of a processor, on records whose answer is known."""

import pytest
from factory import run

from reluclf.showing import devices


def made(head, seed, device):
    hits = 0.95 if head == "softmax" else 0.9
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


def test_what_is_complete_only_with_an_accelerator_is_named(records):
    assert devices.resting(records) == "MNIST CNN-ReLU (as run)"
    assert devices.resting(records[:6]) == "none"


def test_without_an_accelerator_there_is_nothing_to_compare(records):
    assert devices.table(records[:6]).empty
