"""Where the records come from."""

import pandas as pd
import pytest
from factory import run

from reluclf.judging.evidence import of_setting
from reluclf.showing import origins


def on(device, seed, **provenance):
    """A run that was made on a device."""
    one = run("mnist", "ffnn", "relu", "carried", seed)
    made = one.provenance.model_copy(update={"device": device, **provenance})
    return one.model_copy(update={"provenance": made})


def test_the_provenance_table_counts_epochs_and_names_seeds_in_brief():
    runs = [on("CPU", seed) for seed in (1, 2, 3, 5)]
    line = origins.experiments(runs).iloc[0]
    assert (line["seeds"], line["epochs"]) == ("1-3, 5", "1,280")


def test_a_place_has_the_same_letter_in_both_tables_of_provenance_whatever_else_is_counted():
    runs = [on("CPU, second", 1), on("GPU, third", 2)]
    others = {"backends/jax/": [on("CPU, first", 1), on("CPU, second", 2)]}
    totals = origins.totals(runs, others)
    letters = dict(zip(totals["device"], totals[""], strict=True))
    assert letters == {"CPU, second": "A", "GPU, third": "B", "CPU, first": "C", "all": ""}
    assert totals["runs"].tolist() == ["2", "1", "1", "4"]
    assert totals["libraries"].iloc[0] == "tensorflow 2, python 3"
    assert origins.experiments(runs)["on"].tolist() == ["A, B"]
    assert [group["runs"].split("/")[0] for group in origins.of(totals)] == ["mnist", "backends"]


def test_the_library_of_jax_is_jaxlib():
    jax = on("CPU", 1, backend="jax", versions={"python": "3", "jaxlib": "0.5"})
    assert origins.totals([jax])["libraries"].tolist() == ["jaxlib 0.5, python 3"]


def test_a_table_rests_on_what_its_maker_was_handed_out():
    @origins.traced
    def maker(records):
        return pd.DataFrame(index=range(len(of_setting(records, head="relu"))))

    other = run("mnist", "ffnn", "softmax", "carried", 1)
    (group,) = origins.of(maker([on("CPU", 1), on("CPU", 2), other]))
    assert group["seeds"] == "1-2" and "relu" in group["runs"]


def test_a_table_that_does_not_say_on_what_it_rests_is_refused():
    with pytest.raises(ValueError, match=r"mark its maker with @origins\.traced"):
        origins.of(pd.DataFrame())
