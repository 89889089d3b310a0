"""What make bench computes from its stop-watch, and how the appendix shows it; nothing here depends on how fast the machine is."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from reluclf import Spec, bench, cli, networks, paths
from reluclf.campaign import training
from reluclf.showing import speed
from reluclf.store import Store

TRAINING = {
    "runs": ["a", "b"],
    "rows": 1000,
    "epochs": 3,
    "fit": [6.0, 12.0, 3.0],
    "copies": {1: 1, 2: 1, 4: 2},
    "campaign": {1: [6.0, 6.0, 6.0], 2: [3.0, 4.0, 2.0], 4: [3.0, 3.0, 3.0]},
}
EFFICIENCY = {"peak": [100.0, 200.0], "flops": {"FFNN": 50.0}, "batch": {"FFNN": [1.0, 1.0]}, "call": {"FFNN": [0.625, 0.5]}}


def result(**changes):
    fields = {
        "started": "2026-01-01T00:00:00Z",
        "seconds": 500.0,
        "machine": {"processor": "a test", "cores": 4, "memory": 8.0, "system": "none", "versions": {"keras": "3.1"}, "busy": 0.0},
        "training": TRAINING,
        "pace": {"fit": {"CNN": [2.0, 3.0], "FFNN": [1.0, 1.0]}, "campaign": {"CNN": [3.0, 3.0], "FFNN": [1.0, 1.0]}, "processes": 2},
        "efficiency": EFFICIENCY,
        "cluster": {"workers": 2, "records": 4, "same": 4, "seconds": 9.0},
        "book": {"seconds": 40.4, "memory": 1.25, "chapters": {"wdbc": 3.0}, "first_table": {"wdbc": 2.0}},
        "store": {"sizes": [100, 10_000], "index": [0.004, 0.4], "query": [0.01, 0.5], "committed": 600, "read_all": 1.2},
    }
    return speed.Result.model_validate_json(json.dumps(fields | changes))


ACCELERATOR = {
    "device": "a card",
    "backend": "jax",
    "processes": 8,
    "epochs": 2560,
    "seconds": 600.0,
    "alone_epochs": 32,
    "alone_seconds": 16.0,
}


# Arithmetic


@pytest.mark.usefixtures("keras")
def test_operations_are_counted_from_the_layers():
    dense = 2 * (256 * 512 + 512 * 512 + 512 * 512 + 512 * 10)
    ffnn = networks.build(Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="carried", seed=1), 1)
    assert speed.operations(ffnn) == (dense, 3 * dense - 2 * 256 * 512)
    # Convolutions without padding on 16 x 16: 14 x 14 and 12 x 12 places, then, after pooling to 6 x 6, 4 x 4 and 2 x 2.
    layers = [2 * 9 * 1 * 32 * 14**2, 2 * 9 * 32 * 32 * 12**2, 2 * 9 * 32 * 64 * 4**2, 2 * 9 * 64 * 64 * 2**2, 2 * 64 * 256, 2 * 256 * 10]
    cnn = networks.build(Spec(dataset="mnist", architecture="cnn", head="softmax", protocol="carried", seed=1), 1)
    assert speed.operations(cnn) == (sum(layers), 3 * sum(layers) - layers[0])


def test_rates_and_ratios_are_taken_repetition_by_repetition_and_count_the_copies():
    training = speed.Training.model_validate(TRAINING)
    assert training.rate() == [1.0, 0.5, 2.0]  # 2 runs of 3 epochs
    assert training.rate(4) == [4.0, 4.0, 4.0]  # twice as many
    assert training.ratio(2) == [2.0, 3.0, 1.5]


def test_the_pace_is_that_of_all_processes_over_that_of_one_fit():
    assert result().pace.ratio() == [1.5, 2.0]
    assert speed.facts(result())["appendices_speed_pace"] == "1.75 [1.50, 2.00] (n = 2)"
    row = speed.table(result()).set_index("what").loc["the same once runs are under way, an epoch of each network"]
    assert row["measured"] == "1.75 [1.50, 2.00] (n = 2)"


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("fit", [True, False])
def test_the_pace_leaves_out_the_first_epoch(fit, few_images, monkeypatch):
    ticks = iter([0.0, 9.0, 10.0, 12.0] * 2)  # of either network the first epoch ends at 0, and the others take 9, 1 and 2

    monkeypatch.setattr(bench._Clock, "epoch", lambda clock: clock.times.append(next(ticks)))
    assert bench.pace(None, fit, epochs=4) == {"CNN": 2.0, "FFNN": 2.0}


def test_a_share_of_the_peak_is_operations_over_seconds_over_the_peak_of_the_same_repetition():
    assert speed.Efficiency.model_validate(EFFICIENCY).share("FFNN", "call") == [0.8, 0.5]
    assert speed.Efficiency.model_validate(EFFICIENCY).share("FFNN", "batch") == [0.5, 0.25]


def test_a_spread_is_the_median_with_the_extremes_and_n():
    assert speed.spread([2.0, 9.0, 1.5]) == "2.00 [1.50, 9.00] (n = 3)"
    assert speed.spread([1e9, 3e9], digits=0, scale=1e-9) == "2 [1, 3] (n = 2)"


def test_every_worker_gets_a_run_of_each_network():
    specs = bench.mix(rows=1000, epochs=2, copies=3)
    assert len(specs) == len(set(specs)) == 12
    assert {(spec.architecture, spec.head) for spec in specs} == {(a, h) for a in ("ffnn", "cnn") for h in ("softmax", "relu")}
    assert {(spec.protocol, spec.folds, spec.epochs, spec.samples) for spec in specs} == {("carried", 1, 2, 1000)}


# The two ways train the same


@pytest.mark.usefixtures("keras")
def test_the_papers_way_trains_on_the_same_rows_batches_and_epochs_as_the_campaign(few_images, monkeypatch):
    import keras

    spec = Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="carried", seed=1, epochs=2, folds=1)
    trained = []
    fit = keras.Model.fit

    def watched(model, x, y, batch_size, epochs, **options):
        trained.append((x.shape, y.shape, batch_size, epochs, options["validation_data"][0].shape))
        return fit(model, x, y, batch_size, epochs, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    assert bench.papers_way(*bench.read_specs(json.dumps([spec.model_dump()]))) > 0
    warm_up, timed = trained
    assert timed == ((360, 256), (360, 10), 256, 2, (40, 256))
    assert warm_up[0][1] == 30 and warm_up[3] == 1


@pytest.mark.usefixtures("keras")
def test_the_campaign_that_is_timed_trains_every_spec_and_keeps_no_record(monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train_missing", lambda specs, store, workers: seen.append((specs, store.folder, workers)))
    specs = bench.mix(rows=1000, epochs=1)
    assert bench.campaign_of(specs, 2) >= 0
    warm_up, (given, folder, workers) = seen
    assert (given, workers) == (specs, 2)
    assert len(warm_up[0]) == warm_up[2] == 2  # a run for every worker
    assert not folder.exists() and folder != paths.RESULTS


# The store


def test_the_made_up_store_is_found_again_whole(monkeypatch):
    monkeypatch.setattr(bench, "_SIZES", (10, 40))
    reading = bench._store(lambda what: None)
    assert reading.sizes == (10, 40)
    assert len(reading.index) == len(reading.query) == 2
    assert reading.committed == len(list(Store(paths.RESULTS).files()))


# The result, and how it is shown


def test_a_result_is_read_back_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    bench.write(result(accelerator=ACCELERATOR))
    assert speed.read(paths.BENCH) == result(accelerator=ACCELERATOR)
    assert speed.read(tmp_path / "nothing.json") is None


@pytest.mark.parametrize("change", [{"seconds": "long"}, {"format": 2}, {"unknown": 1}, {"cluster": {"workers": 2}}])
def test_a_result_of_another_shape_is_refused(change):
    with pytest.raises(ValidationError):
        result(**change)


def test_the_committed_result_is_whole():
    committed = speed.read()
    assert committed.cluster.same == committed.cluster.records > 0
    assert set(committed.book.first_table) == set(committed.book.chapters) != set()
    assert committed.store.sizes[-1] == 10_000
    assert committed.seconds < 600  # what make bench promises of itself


def test_the_store_sees_no_record_in_the_committed_result():
    assert paths.BENCH.is_file() and paths.BENCH not in list(Store(paths.RESULTS).files())


def test_the_table_has_the_measurements_and_the_bars():
    frame = speed.table(result()).set_index("what")
    assert frame.loc["campaign with 4 workers over the paper's own way"].tolist() == ["4.00 [2.00, 8.00] (n = 3)", "≥ 1.8: met"]
    assert frame.loc["epochs a second, campaign, 1 worker", "measured"] == "1.00 [1.00, 1.00] (n = 3)"
    assert frame.loc["FFNN, share of the peak, %", "measured"] == "65 [50, 80] (n = 2)"
    assert frame.loc["clean build of the book, s"].tolist() == ["40", "≤ 60: met"]
    assert frame.loc["index of 10,000 records, s"].tolist() == ["0.40", "≤ 1: met"]
    assert frame.loc["records of a Dask cluster of 2 that are the same"].tolist() == ["4 of 4", "all: met"]
    slow = result().model_copy(update={"book": result().book.model_copy(update={"seconds": 61.0})})
    assert speed.table(slow).set_index("what").loc["clean build of the book, s", "bar"] == "≤ 60: missed"


def test_what_was_not_measured_says_so():
    frame = speed.table(result()).set_index("what")
    assert set(frame[frame["measured"] == speed.NOT_MEASURED].index) == {
        "Tables 3 to 8 on a GPU, minutes",
        "epochs a second on a GPU, over one process",
    }
    frame = speed.table(result(accelerator=ACCELERATOR)).set_index("what")
    assert speed.NOT_MEASURED not in set(frame["measured"])
    assert frame.loc["Tables 3 to 8 on a card, jax, 8 processes, minutes", "measured"] == "10.0"
    assert frame.loc["epochs a second there, and over one process", "measured"] == "4.3; 2.13"
    assert isinstance(speed.table(None), pd.DataFrame) and speed.NOT_MEASURED in set(speed.table(None)["measured"])


def test_the_figure_draws_the_medians():
    left, middle, right = speed.figure(result()).axes
    drawn = {line.get_label(): line.get_ydata() for line in left.lines}
    assert np.allclose(drawn["in proportion"], [1, 2, 4])
    points = [line.get_ydata() for line in left.lines if len(line.get_ydata()) == 3]
    assert any(np.allclose(y, [1.0, 2.0, 4.0]) for y in points)
    assert any(np.allclose(line.get_ydata(), [65]) for line in middle.lines)
    assert any(np.allclose(line.get_ydata(), [0.004, 0.4]) for line in right.lines)


def test_the_prose_is_told_the_ratio_and_the_machine_or_that_there_is_none():
    facts = speed.facts(result())
    assert facts["appendices_speed_ratio"] == "4.00 [2.00, 8.00] (n = 3)"
    assert facts["appendices_speed_machine"] == "a test, 4 cores, 8 GB (keras 3.1), on 01 January 2026"
    assert set(speed.facts(None)) == set(facts)
    assert set(speed.facts(None).values()) == {"(not measured)"}
    assert [axes.lines[:] for axes in speed.figure(None).axes] == [[], [], []]


# The command


@pytest.mark.parametrize("option", ["REPEATS=x", "ROWS=-1", "GPU=1.5", "TURNS=2"])
def test_an_option_that_cannot_be_is_refused_in_one_sentence(option, capsys):
    assert cli.main(["bench", option]) == 2
    assert re.fullmatch(r"error: .*\n", capsys.readouterr().err)


def test_the_command_writes_the_result_and_prints_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "run", lambda repeats, rows, epochs, say: result(seconds=float(repeats)))
    assert cli.main(["bench", "REPEATS=2"]) == 0
    assert speed.read(paths.BENCH).seconds == 2
    assert "campaign with 4 workers" in capsys.readouterr().out


def test_the_accelerators_part_is_added_to_the_result_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    measured = speed.Accelerator(**ACCELERATOR)
    monkeypatch.setattr(bench, "accelerate", lambda processes, epochs, folds, say: measured.model_copy(update={"processes": processes}))
    assert cli.main(["bench", "GPU=3"]) == 2  # there is none yet
    bench.write(result())
    assert cli.main(["bench", "GPU=3"]) == 0
    assert speed.read(paths.BENCH) == result(accelerator=ACCELERATOR | {"processes": 3})
