"""What the CNNs make of what they see, told from runs whose accuracies are known."""

import re

import pytest
from factory import run

from reluclf.showing import input_controls

SEEDS = (1, 2, 3)


def once(head, hits, features="paper", seeds=SEEDS, scatter=0.0):
    """Runs of the CNN on these features, with shares of right predictions about this one."""
    return [
        run("mnist", "cnn", head, "fresh", seed, [], hits + (seed - 2) * scatter, features=features)
        for seed in seeds
    ]


def test_what_the_paper_reads_off_its_cnns_is_told_by_what_they_see():
    found = once("softmax", 0.9, seeds=(1, 2)) + once("relu", 0.82, seeds=(1, 2), scatter=0.01)
    found += once("softmax", 0.95, "pixels", (1, 2))
    found += [run("mnist", "ffnn", "softmax", "fresh", seed, [], 0.98) for seed in (1, 2)]
    readings = input_controls.readings("mnist", found)
    assert readings["paper_heads"].mean == pytest.approx(-0.085, abs=0.002)
    assert readings["pixels_networks"].mean == pytest.approx(-0.03, abs=0.002)
    assert readings["shuffled_heads"] is None and readings["pixels_change_heads"] is None
    assert readings["pixels_change_softmax"].mean == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize(
    ("shuffled", "pixels", "answer"),
    [
        (
            0.9,
            0.95,
            "by .* less than two points .*: .* two points, if anything; pixels .* better",
        ),
        (
            0.8,
            0.95,
            r"A random order .* worse, by −9\.\d\d.points; pixels .* better, by \+5\.\d\d.points$",
        ),
        (0.94, 0.95, "A random order .* better, by .*; pixels .* better, by .*"),
        (
            0.904,
            0.95,
            r"by \+0.*less than two points \(.*, n = 3\) and .* better: .* nothing; pixels .* better",
        ),
        (0.896, 0.95, r"two points \(.*, n = 3\) and .* worse: .*, if anything; pixels .* better"),
        (0.9, 0.8, "less than two points .*; pixels .* worse, by −.*points$"),
        (0.9, 0.9, "less than two points .*; pixels are not shown to make it better$"),
    ],
)
def test_whether_a_cnn_on_components_is_one_is_told_by_what_shuffling_and_pixels_do_to_it(
    shuffled, pixels, answer
):
    found = once("softmax", 0.9)
    found += once("softmax", shuffled, "shuffled", scatter=0.0005)
    found += once("softmax", pixels, "pixels", scatter=0.0005)
    told, of_relu = input_controls.answer("mnist", found).split(". ")
    assert re.search(answer, told) and of_relu == "For CNN-ReLU there are too few runs to say."
    few = [one for one in found if one.spec.seed < 3]
    assert "Three seeds of each" in input_controls.answer("mnist", few)


def test_that_an_order_matters_is_not_shown_by_runs_that_scatter():
    found = once("softmax", 0.9) + once("softmax", 0.95, "pixels")
    found += once("softmax", 0.9, "shuffled", scatter=0.05)
    assert "nor that it does not" in input_controls.answer("mnist", found)


@pytest.mark.parametrize(
    ("components", "shuffled", "pixels", "told"),
    [
        (
            (0.4, 0),
            (0.7, 0),
            (0.41, 0.02),
            r"shown .* better .* order, by \+30.* and not shown .* pixels\.$",
        ),
        (
            (0.4, 0),
            (0.7, 0),
            (0.8, 0),
            r"shown .* better .* order, by \+30.* and shown .* better .* pixels, by \+40",
        ),
        ((0.6, 0.1), (0.6, 0.1), (0.41, 0.02), "neither change is shown to help or to harm"),
    ],
)
def test_what_suits_the_relu_head_is_told_beside_it(components, shuffled, pixels, told):
    found = []
    for features, (hits, scatter) in (
        ("paper", components),
        ("shuffled", shuffled),
        ("pixels", pixels),
    ):
        found += once("softmax", 0.9, features) + once("relu", hits, features, scatter=scatter)
    assert re.search(told, input_controls.answer("mnist", found).split(". ")[1])
