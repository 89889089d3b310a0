"""The sentences that add the book up, on records whose answer is known."""

import pytest
from factory import record

from reluclf import Spec
from reluclf.judging import paper
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge
from reluclf.judging.words import listed
from reluclf.showing import sentences


def runs(relu, softmax, protocol, networks=paper.RESULT_TABLES, jitter=0.001):
    """Three runs of each head of each network with these shares of right predictions."""
    return [
        record(
            Spec(
                dataset=dataset,
                architecture=architecture,
                head=head,
                protocol=protocol,
                seed=seed,
                features="raw" if (dataset, protocol) == ("wdbc", "carried") else "paper",
            ),
            [hits] * 10,
            hits + (seed - 2) * jitter * (head == "relu"),
        )
        for dataset, architecture in networks
        for head, hits in (("relu", relu), ("softmax", softmax))
        for seed in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("number", "of", "text"),
    [
        (0, 5, "none of the five runs"),
        (4, 5, "four of the five runs"),
        (5, 5, "all five runs"),
        (3, 12, "three of the 12 runs"),
        (12, 12, "all 12 runs"),
    ],
)
def test_a_part_is_told_in_words(number, of, text):
    assert sentences.part(number, of, "runs") == text


def test_the_head_that_is_behind_is_told_by_what_is_shown():
    told = sentences.heads(runs(0.8, 0.9, "fresh") + runs(0.899, 0.9, "carried", jitter=0.05))
    assert told.startswith(
        "Over all runs (Holm over the networks), ReLU is nowhere shown to be ahead: "
    )
    assert "as written it is behind in all five networks" in told
    assert told.endswith("as run it is behind in none of the five networks.")


def test_a_head_that_is_ahead_would_be_told_as_well():
    told = sentences.heads(runs(0.95, 0.9, "fresh") + runs(0.8, 0.9, "carried"))
    assert "ReLU is ahead in five of the ten comparisons" in told
    assert told.endswith("as run it is behind in all five networks.")


def test_networks_without_runs_are_not_counted():
    told = sentences.heads(runs(0.8, 0.9, "fresh", networks=[("mnist", "ffnn"), ("mnist", "cnn")]))
    assert "as written it is behind in all two networks" in told
    assert told.endswith("as run it is behind in none of the networks (there are no runs yet).")


def test_how_far_the_softmax_networks_agree_is_told_by_their_own_numbers():
    apart = runs(0.5, 0.5, "carried", jitter=0)
    told = sentences.softmax_agrees(apart)
    assert "none of the eight accuracies" in told and "within 49." in told
    assert sentences.softmax_apart(apart).startswith("49.")
    assert "too few runs" in sentences.softmax_agrees([])


def test_the_papers_cross_validation_is_compared_with_one_with_new_weights_in_every_fold():
    told = sentences.new_weights(runs(0.5, 0.9, "fresh"))
    # Of the paper's eight, those with softmax are 99.29, 97.23, 97.87 and 91.96 %; with ReLU 73.53 % is the least, 98.22 % the most.
    assert (
        "in all eight networks on images: by 2.0 to 48.2 points (ten folds each, n = 3 or more)"
        in told
    )
    assert "in four of the eight" in sentences.new_weights(runs(0.5, 0.995, "fresh"))
    assert "not known yet" in sentences.new_weights([])


def test_items_are_listed_by_their_verdicts():
    verdicts = judge([])
    slips = [verdict.id for verdict in verdicts if verdict.main.status == Status.SLIP]
    told = sentences.of_kinds(verdicts, Status.SLIP, Status.ANSWERED)
    assert told == f"a slip of the pen: {listed(slips)}"
    assert sentences.of_kinds(judge([]), Status.ANSWERED) == "none yet"
