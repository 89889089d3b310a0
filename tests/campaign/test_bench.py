"""What make bench computes from its stop-watch, and how the appendix shows it; nothing here depends on how fast the machine is."""

import json
import re
import subprocess

import pytest
from pydantic import ValidationError

from reluclf import Spec, cli, networks, paths
from reluclf.campaign import bench, pace, runtime, training
from reluclf.showing import speed
from reluclf.store import Store


def result(**changes):
    fields = {
        "started": "2026-01-01T00:00:00Z",
        "machine": "a test, 4 cores",
        "versions": {"tensorflow": "2.0"},
        "busy": 0.0,
        "rows": 1000,
        "epochs": 3,
        "workers": 4,
        "fit": [6.0, 12.0, 3.0],
        "campaign": [3.0, 3.0, 3.0],
        "peak": [100.0, 200.0],
        "flops": {"FFNN": 50.0},
        "batch": {"FFNN": [0.625, 0.5]},
        "book": 40.4,
    }
    return bench.Result.model_validate_json(json.dumps(fields | changes))


# Arithmetic


@pytest.mark.usefixtures("keras")
def test_operations_are_counted_from_the_layers():
    dense = 2 * (256 * 512 + 512 * 512 + 512 * 512 + 512 * 10)
    ffnn = networks.build(
        Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="carried", seed=1), 1
    )
    assert bench.operations(ffnn) == 3 * dense - 2 * 256 * 512
    # Convolutions without padding on 16 x 16: 14 x 14 and 12 x 12 places, then, after pooling to 6 x 6, 4 x 4 and 2 x 2.
    layers = [
        2 * 9 * 1 * 32 * 14**2,
        2 * 9 * 32 * 32 * 12**2,
        2 * 9 * 32 * 64 * 4**2,
        2 * 9 * 64 * 64 * 2**2,
        2 * 64 * 256,
        2 * 256 * 10,
    ]
    cnn = networks.build(
        Spec(dataset="mnist", architecture="cnn", head="softmax", protocol="carried", seed=1), 1
    )
    assert bench.operations(cnn) == 3 * sum(layers) - layers[0]


def test_the_ratio_is_taken_repetition_by_repetition_and_counts_the_copies():
    assert result().ratio() == [4.0, 8.0, 2.0]  # four workers are given twice as many runs
    assert result(workers=2).ratio() == [2.0, 4.0, 1.0]


def test_a_share_of_the_peak_is_operations_over_seconds_over_the_peak_of_the_same_repetition():
    assert result().share("FFNN") == [0.8, 0.5]


def test_a_spread_is_the_median_with_the_extremes_and_n():
    assert speed.spread([2.0, 9.0, 1.5]) == "2.00 [1.50, 9.00] (n = 3)"
    assert speed.spread([1e9, 3e9], digits=0, scale=1e-9) == "2 [1, 3] (n = 2)"


def test_every_worker_gets_a_run_of_each_network():
    specs = bench.mix(rows=1000, epochs=2, workers=6)
    assert len(specs) == len(set(specs)) == 12
    assert {(spec.architecture, spec.head) for spec in specs} == {
        (a, h) for a in ("ffnn", "cnn") for h in ("softmax", "relu")
    }
    assert {(spec.protocol, spec.folds, spec.epochs, spec.samples) for spec in specs} == {
        ("carried", 1, 2, 1000)
    }


# The two ways train the same


@pytest.mark.usefixtures("keras")
def test_the_plain_loop_trains_on_the_same_rows_batches_and_epochs_as_the_campaign(
    few_images, monkeypatch
):
    import keras

    trained = []
    fit = keras.Model.fit

    def watched(model, x, y, batch_size, epochs, **options):
        trained.append((x.shape, y.shape, batch_size, epochs, options["validation_data"][0].shape))
        return fit(model, x, y, batch_size, epochs, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    ffnn = bench.mix(400, 2)[-1:]
    monkeypatch.setattr(bench, "mix", lambda rows, epochs: ffnn)
    assert bench.plain_loop(400, 2) > 0
    warm_up, timed = trained
    assert timed == ((360, 256), (360, 10), 256, 2, (40, 256))
    assert warm_up[0][1] == 30 and warm_up[3] == 1


@pytest.mark.usefixtures("keras")
def test_the_campaign_that_is_timed_trains_every_spec_and_keeps_no_record(monkeypatch):
    seen = []
    monkeypatch.setattr(
        training,
        "train_missing",
        lambda specs, store, workers: seen.append((specs, store.folder, workers)),
    )
    assert bench.campaign(1000, 1, 2) >= 0
    warm_up, (given, folder, workers) = seen
    assert (given, workers) == (bench.mix(1000, 1, 2), 2)
    assert len(warm_up[0]) == warm_up[2] == 2  # a run for every worker
    assert not folder.exists() and folder != paths.RESULTS


@pytest.mark.slow
def test_one_thread_is_timed_in_a_process_of_its_own():
    measured = bench.measured("bench.one_thread", 1)
    assert set(measured["flops"]) == set(measured["batch"]) == {"FFNN", "CNN"}
    assert [len(times) for times in (measured["peak"], *measured["batch"].values())] == [1, 1, 1]


@pytest.mark.parametrize(
    ("function", "there"), [("bench.book", "tensorflow"), ("pace.speed", "jax")]
)
def test_only_an_accelerator_is_measured_with_the_backend_that_is_set(function, there, monkeypatch):
    def run(_, env, **__):
        return subprocess.CompletedProcess([], 0, json.dumps(env["KERAS_BACKEND"]), "")

    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(subprocess, "run", run)
    assert bench.measured(function) == there


def test_a_process_that_fails_says_why():
    with pytest.raises(training.CampaignError, match="has no attribute 'nothing'; mend that"):
        bench.measured("bench.nothing")


# The result, and how it is shown


def test_a_result_is_read_back_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    assert bench.read() is None
    bench.write(result())
    assert bench.read() == result()


@pytest.mark.parametrize("change", [{"book": "long"}, {"format": 1}, {"unknown": 1}, {"fit": None}])
def test_a_result_of_another_shape_is_refused(change):
    with pytest.raises(ValidationError):
        result(**change)


def test_the_committed_result_is_whole():
    committed = bench.read()
    assert len(committed.ratio()) == len(committed.fit) > 1
    assert {len(committed.share(name)) for name in ("FFNN", "CNN")} == {len(committed.peak)}


def test_the_store_sees_no_record_in_the_committed_result():
    assert paths.BENCH.is_file() and paths.BENCH not in list(Store(paths.RESULTS).files())


def test_the_table_has_the_measurements_and_the_bars():
    frame = speed.table(result()).set_index("what")
    assert frame.loc["campaign on 4 workers over a plain Keras loop"].tolist() == [
        "4.00 [2.00, 8.00] (n = 3)",
        "≥ 1.8: met",
    ]
    assert frame.loc["FFNN, share of the peak, %", "measured"] == "65 [50, 80] (n = 2)"
    assert frame.loc["clean build of the book, s"].tolist() == ["40", "≤ 60: met"]
    slow = speed.table(result(book=61.0, campaign=[9.0, 9.0, 9.0])).set_index("what")["target"]
    assert slow["clean build of the book, s"] == "≤ 60: missed"
    assert slow["campaign on 4 workers over a plain Keras loop"] == "≥ 1.8: missed"


def test_the_prose_is_told_the_ratio_and_the_machine_or_that_there_is_none():
    facts = speed.facts(result())
    assert facts["appendices_speed_ratio"] == "4.00 [2.00, 8.00] (n = 3)"
    assert (
        facts["appendices_speed_machine"] == "a test, 4 cores (tensorflow 2.0), on 01 January 2026"
    )
    assert set(speed.facts(None)) == set(facts)
    assert set(speed.facts(None).values()) == {"(not measured)"}
    assert speed.table(None)["measured"].tolist() == [speed.NOT_MEASURED]


ACCELERATOR = {
    "device": "a card",
    "backend": "jax",
    "versions": {"jaxlib": "0"},
    "precision": "float32",
    "deterministic": True,
    "paces": {"FFNN": {"1": 50.0, "8": 150.0}},
    "processes": 4,
    "epochs": 2560,
    "seconds": 600.0,
}


def test_what_an_accelerator_does_stands_in_the_table_with_what_it_was_held_to(
    tmp_path, monkeypatch
):
    frame = speed.table(result(accelerator=ACCELERATOR)).set_index("what")["measured"]
    assert (
        frame["Tables 3 to 8 on a card (jax, float32, deterministic), 4 runs at a time, minutes"]
        == "10.0"
    )
    assert frame["epochs a second of them"] == "4.3"
    assert frame["FFNN, epochs a second there, one seed"] == "50.0"
    assert frame["FFNN, epochs a second there, 8 seeds in one program"] == "150.0"
    loose = speed.table(
        result(accelerator=ACCELERATOR | {"precision": "tf32", "deterministic": False})
    )["what"]
    assert loose.str.contains("on a card (jax, tf32, not deterministic)", regex=False).any()
    assert not speed.table(result())["what"].str.contains("Tables 3 to 8").any()
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    bench.write(result(accelerator=ACCELERATOR))
    assert bench.read() == result(accelerator=ACCELERATOR)


# The command


@pytest.mark.parametrize("option", ["REPEATS=x", "REPEATS=0", "ROWS=-1", "EPOCHS=1.5", "TURNS=2"])
def test_an_option_that_cannot_be_is_refused_in_one_sentence(option, capsys):
    assert cli.main(["bench", option]) == 2
    assert re.fullmatch(r"error: .*\n", capsys.readouterr().err)


def test_the_command_writes_the_result_and_prints_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "run", lambda repeats, rows, epochs, say: result(epochs=repeats))
    assert cli.main(["bench", "REPEATS=2"]) == 0
    assert bench.read().epochs == 2
    assert "campaign on 4 workers" in capsys.readouterr().out


def test_the_accelerators_part_is_added_to_the_result_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    monkeypatch.setattr(
        bench,
        "accelerate",
        lambda processes: pace.Accelerator.model_validate_json(
            json.dumps(ACCELERATOR | {"processes": processes})
        ),
    )
    assert cli.main(["bench", "GPU=3"]) == 2  # there is none yet
    bench.write(result())
    assert cli.main(["bench", "GPU=3"]) == 0
    assert bench.read() == result(accelerator=ACCELERATOR | {"processes": 3})


def test_without_an_accelerator_none_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "BENCH", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "measured", lambda function, n: pace.speed(n))
    monkeypatch.setattr(runtime, "device", lambda backend: "CPU, a test")
    bench.write(result())
    assert cli.main(["bench", "GPU=2"]) == 2
    assert "finds no accelerator" in capsys.readouterr().err
