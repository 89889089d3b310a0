"""Each rule at its edge: what one test alone would show, and the adjustment for several (Holm or Bonferroni) keeps from being shown.

Every case stands twice, a little to either side of the edge, so that it fails both without the adjustment and with too much of it.
"""

import re

import numpy as np
import pytest
from factory import CLASSES, SUPPORTS, run, verdict
from scipy.stats import t as student

from reluclf import record as schema
from reluclf.judging import input_controls, interventions, judgement, paper, statistics
from reluclf.judging.claim_rules import FURTHER_HEADS
from reluclf.judging.interventions import REMEDIES
from reluclf.judging.judgement import Status
from reluclf.showing import sentences, tables

SEEDS = range(1, 6)
_EVEN = np.linspace(-1, 1, len(SEEDS)) / np.std(np.linspace(-1, 1, len(SEEDS)), ddof=1)
_SCALE = np.sqrt(len(SEEDS))


def differing(p, std, beyond=0.0, sign=1):
    """Five values whose t-test against ``beyond`` gives this two-sided p, on its far side."""
    return sign * (beyond + std * (student.isf(p / 2, len(SEEDS) - 1) / _SCALE + _EVEN))


def equivalent(p, margin=0.01):
    """Five values around 0 whose two one-sided tests give this p."""
    return margin / student.isf(p, len(SEEDS) - 1) * _SCALE * _EVEN


def right(made, counts):
    """The run, with so many correct predictions in each class, or with this accuracy, spread over them."""
    k, supports = CLASSES[made.spec.dataset], np.array(SUPPORTS[made.spec.dataset])
    labels = np.repeat(np.arange(k), supports)
    if np.ndim(counts) == 0:
        order = np.argsort(np.concatenate([np.arange(n) / n for n in supports]), kind="stable")
        hit = np.isin(np.arange(len(labels)), order[: round(counts * len(labels))])
    else:
        hit = np.concatenate([np.arange(n) < count for n, count in zip(supports, np.broadcast_to(counts, k), strict=True)])
    return made.model_copy(update={"test": schema.Test.of(labels, np.where(hit, labels, (labels + 1) % k), 0.2, k)})


def pairs(dataset, architecture, protocol, relu, softmax=0.9, **fields):
    """Runs of both heads, ReLU so much better than softmax in each seed: in accuracy, or in the correct predictions of each class."""
    made = []
    for seed, difference in zip(SEEDS, relu, strict=True):
        for head, off in (("softmax", 0.0), ("relu", difference)):
            base = run(dataset, architecture, head, protocol, seed, **fields)
            counts = softmax + off if np.ndim(difference) == 0 else np.array(SUPPORTS[dataset]) // 2 + np.round(off)
            made.append(right(base, counts))
    return made


def classes(dataset, architecture, by_class):
    """Carried runs that differ by so much in each class: a column for each seed."""
    return pairs(dataset, architecture, "carried", np.array(by_class, dtype=float).T)


NONE = [0.0] * len(SEEDS)


def test_the_values_made_up_here_have_the_p_values_they_are_made_for():
    for p in (0.001, 0.03):
        assert statistics.paired(differing(p, 2.0), NONE, margin=1.0).p == pytest.approx(p)
        assert statistics.paired(equivalent(p), NONE, margin=0.01).p_equivalent == pytest.approx(p)


@pytest.mark.parametrize(("p", "status"), [(0.02, False), (0.002, True)])
@pytest.mark.parametrize(("identifier", "dataset"), [("C10", "mnist"), ("C17", "fashion_mnist")])
def test_better_on_some_classes_is_adjusted_for_ten(identifier, dataset, p, status):
    found = classes(dataset, "ffnn", [differing(p, 10), differing(p, 10, sign=-1), *[NONE] * 8])
    assert (verdict(identifier, found).status == Status.REPRODUCED) == status


@pytest.mark.parametrize(("p", "status"), [(0.02, False), (0.002, True)])
def test_one_way_in_all_classes_is_adjusted_for_ten(p, status):
    assert (verdict("C10", classes("mnist", "ffnn", [differing(p, 10)] * 10)).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "status"), [(0.02, False), (0.002, True)])
def test_a_class_that_speaks_against_softmax_best_everywhere_is_adjusted_for_ten(p, status):
    found = classes("mnist", "cnn", [differing(p, 10), *[differing(0.3, 10, sign=-1)] * 9])
    assert (verdict("C15", found).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "status"), [(0.035, False), (0.015, True)])
def test_the_opposite_in_total_is_adjusted_for_two(p, status):
    even = [np.full(len(SEEDS), hits) for hits in (10, 10, 10, 10, -10, -10, -10, -10, -100)]  # five classes ahead, five behind
    found = classes("fashion_mnist", "cnn", [100 + differing(p, 20), *even])
    assert (verdict("C19", found).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "status"), [(0.035, False), (0.012, True)])
def test_the_opposite_in_one_error_is_adjusted_for_two(p, status):
    hits = np.round(differing(p, 4, sign=-1))  # fewer benign tumours are recognised
    assert statistics.paired(hits, NONE, margin=0).p == pytest.approx(p, abs=0.006)
    assert (verdict("C23", classes("wdbc", "ffnn", [NONE, hits])).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "status"), [(0.03, False), (0.008, True)])
def test_a_remedy_that_is_on_par_is_one_of_four(p, status):
    found = pairs("mnist", "cnn", "fresh", [-0.5] * len(SEEDS), folds=[])
    clipped = zip(SEEDS, equivalent(p), strict=True)
    found += [right(run("mnist", "cnn", "relu", "fresh", seed, [], clipnorm=1.0), 0.9 + off) for seed, off in clipped]
    found += [run("mnist", "cnn", r.head, "fresh", seed, [], 0.4, **r.setting) for r in REMEDIES if "clipnorm" not in r.setting for seed in SEEDS]
    assert (verdict("C14", found).status == Status.REPRODUCED) == status


def alike(protocols=("carried", "fresh"), but=()):
    """Runs of the four image networks in which the heads are as good as equal."""
    wobble = 0.0005 * _EVEN
    return [made for pair in paper.IMAGE_NETWORKS if pair not in but for protocol in protocols for made in pairs(*pair, protocol, wobble)]


@pytest.mark.parametrize(("p", "status"), [(0.03, False), (0.008, True)])
def test_one_experiment_that_is_better_is_one_of_four(p, status):
    network = ("mnist", "ffnn")
    found = alike(but=[network]) + pairs(*network, "carried", differing(p, 0.002)) + pairs(*network, "fresh", NONE)
    assert (verdict("C25", found).status == Status.REPRODUCED) == status


@pytest.mark.parametrize(("p", "status"), [(0.03, False), (0.008, True)])
def test_one_experiment_that_is_a_point_behind_is_one_of_four(p, status):
    network = ("mnist", "ffnn")
    found = alike(but=[network]) + pairs(*network, "carried", differing(p, 0.003, beyond=0.01, sign=-1)) + pairs(*network, "fresh", NONE)
    assert (verdict("C25", found).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "status"), [(0.035, False), (0.015, True)])
def test_a_difference_of_more_than_a_point_is_in_accuracy_or_f1(p, status):
    off = differing(p, 0.003, beyond=0.01, sign=-1)
    assert (verdict("C09", alike(["fresh"]) + pairs("mnist", "ffnn", "carried", off)).status == Status.CONTRADICTED) == status
    assert (verdict("C09", alike(["carried"]) + pairs("mnist", "ffnn", "fresh", off)).status == Status.BY_THE_FLAW) == status


@pytest.mark.parametrize(("p", "status"), [(0.035, False), (0.015, True)])
@pytest.mark.parametrize("which", ["less at first than at the end", "ahead at first"])
def test_no_further_behind_is_one_of_two_ways_not_to_be_slower(which, p, status):
    if which == "ahead at first":  # what scatters at the end the other way keeps the difference of the gaps from being shown
        start, end = differing(p, 0.01), -0.02 - 0.015 * _EVEN
    else:
        end = -0.04 + 0.001 * _EVEN
        start = end + differing(p, 0.01)
    found = pairs("mnist", "cnn", "carried", end, softmax=0.8) + pairs("mnist", "cnn", "fresh", start, folds=[])
    assert (verdict("C11", found).status == Status.OTHER_REASON) == status


@pytest.mark.parametrize(("p", "status"), [(0.035, False), (0.015, True)])
@pytest.mark.parametrize("which", ["F1", "start"])
def test_the_opposite_of_slower_or_of_the_same_f1_is_one_of_two(which, p, status):
    network = ("fashion_mnist", "cnn")
    end = differing(p, 0.003, beyond=0.01, sign=-1) if which == "F1" else np.array(NONE)
    start = differing(p, 0.01) if which == "start" else np.array(NONE)
    found = pairs(*network, "carried", end) + pairs(*network, "fresh", start, folds=[])
    assert (verdict("C18", found).status == Status.CONTRADICTED) == status


@pytest.mark.parametrize(("p", "told"), [(0.02, "none"), (0.003, "softplus in 1")])
def test_further_heads_are_adjusted_for_their_number(p, told):
    assert 5 <= len(FURTHER_HEADS) <= 16
    found = []
    for network in paper.IMAGE_NETWORKS:
        at_edge = network == ("mnist", "ffnn")
        for head in ("softmax", "relu", *FURTHER_HEADS):
            for i, seed in enumerate(SEEDS):
                level = {"softmax": 0.9, "relu": 0.5}.get(head, 0.5)
                off = 0.4 + equivalent(p)[i] if head == "softplus" and at_edge else 0.0
                better = differing(p, 0.01)[i] if head == "elu_plus_one" and at_edge else 0.0
                found.append(right(run(*network, head, "fresh", seed, []), level + off + better))
    why = verdict("W2", found).why
    assert f"on par with softmax: {told};" in why
    better = "softplus in 1" + (" and elu plus one in 1" if told != "none" else "")
    assert why.endswith(f"better than ReLU: {better}.")


@pytest.mark.parametrize(("p", "shown"), [(0.02, [False, False, False]), (0.01, [True, False, False])])
def test_remedies_against_one_cause_are_adjusted_for_their_number(p, shown):
    at_edge, none = (statistics.paired(values, NONE, margin=0.01) for values in (differing(p, 0.1), differing(0.9, 0.1)))
    assert interventions.shown([interventions.Closing(at_edge, 0.6, past_half, at_edge) for past_half in (at_edge, none, none)]) == shown


@pytest.mark.parametrize(("p", "waits"), [(0.06, True), (0.04, False)])
def test_a_gap_to_explain_is_one_of_more_than_a_point(p, waits):
    found = []
    for dataset in ("mnist", "fashion_mnist"):
        heads = pairs(dataset, "cnn", "fresh", differing(p, 0.003, beyond=0.01, sign=-1), folds=[])
        assert statistics.paired([r.test.accuracy for r in of(heads, "relu")], [0.9] * len(SEEDS), margin=0.01).p < 0.01  # it is shown to be a gap
        found += heads
        found += [run(dataset, "cnn", r.head, "fresh", seed, [], 0.85, **r.setting) for r in REMEDIES for seed in SEEDS]
    assert ("more than a point behind CNN-Softmax on MNIST is not shown" in verdict("C24", found).why) == waits
    assert ("for want of runs or of a gap" in interventions.favoured(found)) == waits


@pytest.mark.parametrize(("p", "behind"), [(0.02, "none"), (0.008, "one")])
@pytest.mark.parametrize(("protocol", "told"), [("fresh", "after 32 epochs"), ("carried", "after 320")])
def test_which_head_is_ahead_is_adjusted_for_five_networks(protocol, told, p, behind):
    found = pairs("mnist", "ffnn", protocol, differing(p, 0.01, sign=-1))
    found += [made for network in paper.RESULT_TABLES if network != ("mnist", "ffnn") for made in pairs(*network, protocol, NONE)]
    assert f"in {behind} of the five networks {told}" in sentences.heads(found)


@pytest.mark.parametrize(("p", "shown"), [(0.035, False), (0.015, True)])
def test_the_controls_of_the_cnns_input_are_adjusted_for_two(p, shown):
    def cnn(features, off):
        return [
            right(run("mnist", "cnn", head, "fresh", s, [], features=features), 0.8 + d)
            for head in paper.HEADS
            for s, d in zip(SEEDS, off, strict=True)
        ]

    told = input_controls.answer("mnist", cnn("paper", NONE) + cnn("pixels", differing(p, 0.02)) + cnn("shuffled", 0.05 * _EVEN))
    assert ("pixels are shown to suit it better" in told) == shown
    assert ("shown to do better with pixels" in told.replace("not shown", "")) == shown


@pytest.mark.parametrize(("discordant", "differ"), [(12, 0), (16, 1)])
def test_mcnemars_tests_are_adjusted_for_the_seeds(discordant, differ):
    labels = np.repeat(np.arange(10), SUPPORTS["mnist"])
    found = []
    for seed in SEEDS:
        for head in paper.HEADS:
            hit = np.arange(len(labels)) % 10 > 0
            if seed == 1:  # two of those that differ are ReLU's
                hit[:discordant] = (np.arange(discordant) < 2) == (head == "relu")
            test = schema.Test.of(labels, np.where(hit, labels, (labels + 1) % 10), 0.2, 10)
            found.append(run("mnist", "ffnn", head, "fresh", seed, []).model_copy(update={"test": test}))
    p = statistics.mcnemar(*(made.test.correct for made in found[:2]))
    assert p < 0.05 and (p * len(SEEDS) < 0.05) == bool(differ)
    row = tables.compared("mnist", found).query("network == 'FFNN' and protocol == 'fresh'").iloc[0]
    assert row["seeds that differ (McNemar)"] == f"{differ} of {len(SEEDS)}"


def at(published, quantile, std=0.002, n=5, side=-1):
    """Values whose prediction interval for one more ends at ``published`` if it has this probability."""
    half = student.isf((1 - quantile) / 2, n - 1) * std * np.sqrt(1 + 1 / n)
    even = np.linspace(-1, 1, n) / np.std(np.linspace(-1, 1, n), ddof=1)
    return published + side * half + std * even


def carried(dataset, architecture, head, cv, test):
    return [right(run(dataset, architecture, head, "carried", seed, [c] * 10), t) for seed, c, t in zip(SEEDS, cv, test, strict=True)]


@pytest.mark.parametrize(("quantile", "off"), [(0.98, False), (0.992, True)])
@pytest.mark.parametrize("which", ["cv_accuracy", "test_accuracy"])
def test_four_accuracies_are_judged_together(which, quantile, off):
    published = {head: paper.result("fashion_mnist", "ffnn", head) for head in paper.HEADS}
    found = []
    for head in paper.HEADS:
        values = {name: at(published[head][name], 0.5) for name in ("cv_accuracy", "test_accuracy")}
        if head == "relu":
            values[which] = at(published[head][which], quantile)
        found += carried("fashion_mnist", "ffnn", head, values["cv_accuracy"], values["test_accuracy"])
    assert (verdict("T6", found).status == Status.NOT_REPRODUCED) == off


@pytest.mark.parametrize(("quantile", "flaw"), [(0.965, False), (0.985, True)])
@pytest.mark.parametrize("runs", [1, 5])
def test_an_honest_cross_validation_of_two_heads_is_judged_together(runs, quantile, flaw):
    published = {head: paper.result("mnist", "ffnn", head) for head in paper.HEADS}
    found = []
    for head in paper.HEADS:
        found += carried("mnist", "ffnn", head, *(at(published[head][name], 0.5) for name in ("cv_accuracy", "test_accuracy")))
        share = quantile if head == "relu" else 0.5
        if runs == 1:
            std = 0.002
            half = student.isf((1 - share) / 2, 9) * std * np.sqrt(1 / 10 + 1 / 9)
            even = np.linspace(-1, 1, 10) / np.std(np.linspace(-1, 1, 10), ddof=1)
            found.append(run("mnist", "ffnn", head, "fresh", 1, published[head]["cv_accuracy"] - half + std * even))
        else:
            found += [
                run("mnist", "ffnn", head, "fresh", s, [cv] * 10) for s, cv in zip(SEEDS, at(published[head]["cv_accuracy"], share), strict=True)
            ]
    assert verdict("T3", found).status == (Status.BY_THE_FLAW if flaw else Status.REPRODUCED)


def test_an_honest_cross_validation_of_too_few_folds_decides_nothing():
    published = {head: paper.result("mnist", "ffnn", head) for head in paper.HEADS}
    found = []
    for head in paper.HEADS:
        found += carried("mnist", "ffnn", head, *(at(published[head][name], 0.5) for name in ("cv_accuracy", "test_accuracy")))
        scattered = published[head]["cv_accuracy"] + np.linspace(-0.125, 0.015, 10) * (head == "relu")
        found.append(run("mnist", "ffnn", head, "fresh", 1, scattered))
    told = verdict("T3", found)
    assert told.status == Status.OPEN and "too few folds are run anew" in told.why and told.why.endswith("for ReLU.")


@pytest.mark.parametrize(("quantile", "off"), [(0.965, False), (0.985, True)])
@pytest.mark.parametrize("which", ["mean", "rise"])
def test_mean_and_rise_of_the_folds_are_judged_together(which, quantile, off):
    published = paper.fold_accuracy("fashion_mnist", "cnn", "relu")
    index = np.arange(10) - 4.5
    rise = statistics.slope(published).mean
    means = at(published.mean(), quantile if which == "mean" else 0.5, std=0.004)
    rises = at(rise, quantile if which == "rise" else 0.5, std=rise / 20)
    found = [run("fashion_mnist", "cnn", "relu", "carried", s, mean + slope * index) for s, mean, slope in zip(SEEDS, means, rises, strict=True)]
    assert (verdict("T8", found).status == Status.NOT_REPRODUCED) == off


@pytest.mark.parametrize(("quantile", "excluded"), [(0.975, False), (0.99, True)])
def test_what_leaves_no_room_for_one_of_three_parts_is_judged_together(quantile, excluded):
    difference = statistics.paired(at(-0.04, quantile), NONE, margin=0.01)
    assert judgement.power(difference, -0.04, parts=3).excluded == excluded
    assert judgement.power(difference, -0.04, parts=1).excluded and not judgement.power(difference, -0.04, parts=10).excluded


def test_more_parts_or_more_comparisons_need_more_runs():
    difference = statistics.paired(differing(0.5, 0.02), NONE, margin=0.02)
    for power in (judgement.power_to_show, lambda d, _, *of: judgement.power_equivalent(d, *of)):
        alone, parts, comparisons = (power(difference, 0.02, *of).needed for of in ((), (3,), (1, 3)))
        assert alone < parts and alone < comparisons


@pytest.mark.parametrize(("p", "excluded"), [(0.03, False), (0.01, True)])
def test_an_interval_beyond_the_margin_tells_of_one_of_three_parts(p, excluded):
    difference = statistics.paired(differing(p, 0.003, beyond=0.01), NONE, margin=0.01)
    assert judgement.power_equivalent(difference, parts=3).excluded == excluded and difference.beyond


@pytest.mark.parametrize(("quantile", "off"), [(0.992, False), (0.998, True)])
def test_the_classes_of_a_matrix_are_judged_together(quantile, off):
    published = paper.matrix(8).counts
    dof = (len(SEEDS) - 1) * 10  # one spread for all ten classes
    found = []
    multiple = 1.0
    for hits in np.diag(published):
        std = np.sqrt(multiple * (hits + 0.5) * (1000 - hits + 0.5) / 1001)
        half = student.isf((1 - quantile) / 2, dof) * std * np.sqrt(1 + 1 / len(SEEDS))
        found.append(hits - (half + 0.5 if hits == published[0, 0] else 0) + std * _EVEN)  # half a count is granted
    made = [right(run("fashion_mnist", "cnn", "relu", "carried", seed), np.round(row)) for seed, row in zip(SEEDS, np.array(found).T, strict=True)]
    assert (verdict("F8", made).status == Status.NOT_REPRODUCED) == off


# How many runs a verdict says would do. Each rule must ask for as many as its parts and comparisons take.


def said(identifier, records):
    """How many seeds the open verdict asks for."""
    found = verdict(identifier, records)
    assert found.status == Status.OPEN, found.why
    return int(re.search(r"about (\d+) seeds would (?:tell|do)", found.why)[1])


def compared(relu, softmax, margin=0.01):
    return statistics.paired([made.test.accuracy for made in relu], [made.test.accuracy for made in softmax], margin=margin)


def of(found, head, **fields):
    return [r for r in found if r.spec.head == head and all(getattr(r.spec, name) == value for name, value in fields.items())]


def test_on_par_asks_for_runs_that_show_all_four_parts():
    found = pairs("mnist", "ffnn", "carried", 0.011 * _EVEN) + pairs("mnist", "ffnn", "fresh", 0.0001 * _EVEN, folds=[])
    difference = compared(of(found, "relu", protocol="carried"), of(found, "softmax", protocol="carried"))
    assert abs(said("C09", found) - difference.enough_equivalent(parts=4)) <= 1  # the F1s', which are asked for as well, differ a little
    assert difference.enough_equivalent(parts=4) - difference.enough_equivalent() > 2


def test_comparable_asks_for_runs_that_show_all_four_experiments():
    network = ("mnist", "ffnn")
    found = alike(but=[network]) + pairs(*network, "carried", 0.011 * _EVEN) + pairs(*network, "fresh", NONE)
    at_edge = [r for r in found if (r.spec.dataset, r.spec.architecture, r.spec.protocol) == (*network, "carried")]
    difference = compared(of(at_edge, "relu"), of(at_edge, "softmax"))
    assert said("C25", found) == difference.enough_equivalent(parts=4) > difference.enough_equivalent() + 2


def test_every_class_asks_for_runs_that_show_all_ten():
    sought = np.diag(paper.matrix(4).counts) - np.diag(paper.matrix(5).counts)
    hits = [np.round(sought[0] / 5 + abs(sought[0]) * _EVEN * 1.2), *(np.full(len(SEEDS), float(value)) for value in sought[1:])]
    found = classes("mnist", "cnn", hits)
    difference = statistics.paired(hits[0], NONE, margin=0)
    assert said("C15", found) == difference.enough(sought[0], parts=10) > difference.enough(sought[0]) + 2


def test_on_par_with_some_remedy_asks_for_runs_that_show_one_of_four():
    found = pairs("mnist", "cnn", "fresh", [-0.5] * len(SEEDS), folds=[])
    clipped = [right(run("mnist", "cnn", "relu", "fresh", s, [], clipnorm=1.0), 0.9 + off) for s, off in zip(SEEDS, 0.011 * _EVEN, strict=True)]
    found += clipped
    found += [run("mnist", "cnn", r.head, "fresh", seed, [], 0.4, **r.setting) for r in REMEDIES if "clipnorm" not in r.setting for seed in SEEDS]
    difference = compared(clipped, of(found, "softmax"))
    assert said("C14", found) == difference.enough_equivalent(comparisons=4) > difference.enough_equivalent() + 2


def test_a_cause_asks_for_runs_that_show_one_of_three_remedies_on_each_of_two_sets():
    found, past_half = [], None
    for dataset in ("mnist", "fashion_mnist"):
        heads = pairs(dataset, "cnn", "fresh", [-0.5] * len(SEEDS), folds=[])
        found += heads
        for remedy in REMEDIES:
            off = 0.65 + 0.28 * _EVEN / 1.3 if "hidden" in remedy.setting else np.full(len(SEEDS), 0.4)
            runs = [right(run(dataset, "cnn", remedy.head, "fresh", s, [], **remedy.setting), hits) for s, hits in zip(SEEDS, off, strict=True)]
            found += runs
            if "hidden" in remedy.setting:
                past_half = statistics.paired([r.test.accuracy for r in runs], [0.65] * len(SEEDS), margin=0)
    assert said("C24", found) == past_half.enough(0.25, 3, 2) > past_half.enough(0.25) + 2


@pytest.mark.parametrize(("p", "status"), [(0.035, Status.OPEN), (0.015, Status.NOT_REPRODUCED)])
def test_a_remedy_tells_that_it_closes_less_than_half_on_both_of_two_sets(p, status):
    found = []
    for dataset in ("mnist", "fashion_mnist"):
        found += pairs(dataset, "cnn", "fresh", [-0.5] * len(SEEDS), folds=[])
        for remedy in REMEDIES:
            off = 0.65 + differing(p, 0.15, sign=-1) if "hidden" in remedy.setting else np.full(len(SEEDS), 0.4)
            found += [right(run(dataset, "cnn", remedy.head, "fresh", s, [], **remedy.setting), hits) for s, hits in zip(SEEDS, off, strict=True)]
    assert verdict("C24", found).status == status


def test_slightly_lower_asks_for_runs_that_show_all_three_parts():
    network = ("fashion_mnist", "cnn")
    sought = paper.result(*network, "relu")["test_accuracy"] - paper.result(*network, "softmax")["test_accuracy"]
    found = pairs(*network, "carried", sought / 5 + sought * _EVEN) + pairs(*network, "fresh", -0.2 + 0.01 * _EVEN, folds=[])
    difference = compared(of(found, "relu", protocol="carried"), of(found, "softmax", protocol="carried"))
    assert said("C18", found) == difference.enough(sought, parts=3) > difference.enough(sought) + 2


def test_slower_asks_for_runs_that_show_all_three_parts_of_the_papers_size_and_sign():
    first = {head: paper.fold_accuracy("fashion_mnist", "cnn", head)[0] for head in paper.HEADS}
    last = {head: paper.result("fashion_mnist", "cnn", head)["test_accuracy"] for head in paper.HEADS}
    assert first["relu"] - first["softmax"] < last["relu"] - last["softmax"] < 0
    end = 0.0005 * _EVEN - 0.005
    start = -0.04 + 0.09 * _EVEN
    found = pairs("fashion_mnist", "cnn", "carried", end) + pairs("fashion_mnist", "cnn", "fresh", start, folds=[])
    gaps = [[r.test.accuracy for r in of(found, head, protocol=protocol)] for protocol in ("fresh", "carried") for head in ("relu", "softmax")]
    behind = statistics.paired(gaps[0], gaps[1], margin=0)
    slower = statistics.paired(np.subtract(gaps[0], gaps[1]), np.subtract(gaps[2], gaps[3]), margin=0)
    sought = first["relu"] - first["softmax"], first["relu"] - first["softmax"] - (last["relu"] - last["softmax"])
    asked = [behind.enough(sought[0], parts=3), slower.enough(sought[1], parts=3)]
    assert {int(n) for n in re.findall(r"about (\d+)", verdict("C18", found).why)} == set(asked)
    assert behind.enough(sought[0]) < min(asked)


@pytest.mark.parametrize(("side", "why"), [(-1, "so many runs would have shown it"), (1, "our runs leave no room for what it says")])
@pytest.mark.parametrize("identifier", ["C11", "C18"])
def test_a_first_gap_against_the_papers_leaves_no_room_for_being_slower(identifier, side, why):
    network = ("mnist" if identifier == "C11" else "fashion_mnist", "cnn")
    relu, softmax = (paper.fold_accuracy(*network, head)[0] for head in ("relu", "softmax"))
    std = 0.3 * (softmax - relu)
    start = std * (1.15 * side + _EVEN)
    low, high = statistics.paired(start, NONE, margin=0).prediction(3)
    assert relu < softmax and (low < relu - softmax) == (side < 0) and (high > softmax - relu) == (side > 0)
    found = pairs(*network, "carried", -0.005 + 0.001 * _EVEN, softmax=0.8) + pairs(*network, "fresh", start, softmax=0.6, folds=[])
    told = verdict(identifier, found)
    assert told.status == Status.NOT_REPRODUCED and why in told.why


def test_a_table_asks_for_runs_that_make_all_of_its_numbers_narrow_enough():
    published = {head: paper.result("fashion_mnist", "ffnn", head) for head in paper.HEADS}
    few = np.array([-1.0, 0.0, 1.0])
    made = []
    for head in paper.HEADS:
        for seed, off in enumerate(few, start=1):
            accuracy = published[head]["test_accuracy"] + (0.012 if head == "relu" else 0.0005) * off
            folds = [published[head]["cv_accuracy"] + 0.0005 * off] * 10
            made.append(right(run("fashion_mnist", "ffnn", head, "carried", seed, folds), accuracy))
    ours = statistics.estimate([r.test.accuracy for r in of(made, "relu")])
    assert said("T6", made) == ours.enough(tables.TOLERANCE, 4) > ours.enough(tables.TOLERANCE)


def test_the_folds_ask_for_runs_that_make_both_summaries_narrow_enough():
    published = paper.fold_accuracy("fashion_mnist", "cnn", "relu")
    made = [run("fashion_mnist", "cnn", "relu", "carried", seed, published + 0.013 * off) for seed, off in enumerate((-1, 0, 1), start=1)]
    ours = statistics.estimate([r.cv_accuracy for r in made])
    allowed = tables.tolerance(published.mean(), paper.fold_accuracy("fashion_mnist", "cnn", "softmax").mean())
    assert said("T8", made) == ours.enough(allowed, 2) > ours.enough(allowed)
