"""What an accelerator is held to and given at once, as far as that can be told without one."""

import importlib.util
import json
import sys

import joblib
import pytest
from factory import record

from reluclf import Spec, grid
from reluclf import cli as command_line
from reluclf.campaign import accelerator, lanes, runtime, training, verify
from reluclf.record import Provenance

SPEC = Spec(
    dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", folds=0, epochs=1, seed=1
)

TENSORFLOW = """\
2026-11-26 22:00:00.000001: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.
2026-11-26 22:00:00.000002: I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary is optimized to use available instructions.
To enable the following instructions: AVX2, in other operations, rebuild TensorFlow with the appropriate GPU flags.
"""
JAX = """\
Traceback (most recent call last):
  File "<string>", line 7, in <module>
    jax.devices("gpu")
RuntimeError: Unknown backend: 'gpu' requested, but no platforms that are instances of gpu are present. Platforms present are: cpu
"""


@pytest.fixture
def found(monkeypatch):
    """Pretends that a framework finds an accelerator, or none."""

    def pretend(device):
        monkeypatch.setattr(accelerator, "_FILES", ("/",))
        monkeypatch.setattr(accelerator, "ask", lambda backend: accelerator.Found(device, ""))

    for name in ("RELUCLF_LANES", "RELUCLF_PRECISION", "RELUCLF_DETERMINISTIC"):
        monkeypatch.delenv(name, raising=False)
    return pretend


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (TENSORFLOW, "Could not find cuda drivers on your machine, GPU will not be used."),
        (
            JAX,
            "Unknown backend: 'gpu' requested, but no platforms that are instances of gpu are present. Platforms present are: cpu",
        ),
        ("nothing of interest\n", ""),
    ],
    ids=["tensorflow", "jax", "neither"],
)
def test_the_reason_is_the_frameworks_own(log, why):
    assert accelerator.reason(log) == why


def test_a_framework_that_is_not_installed_is_not_asked(monkeypatch):
    accelerator.ask.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert accelerator.ask("jax") == (None, "the package jax is not installed")
    accelerator.ask.cache_clear()


@pytest.mark.slow
def test_the_backend_at_hand_is_asked_in_another_process_and_gives_a_device_or_a_reason(keras):
    accelerator.ask.cache_clear()
    device, why = accelerator.ask(keras.backend.backend())
    assert bool(device) != bool(why)
    assert device in (None, runtime.device(keras.backend.backend()))


@pytest.mark.parametrize("value", ["", "-1"])
def test_a_variable_that_hides_every_gpu_is_the_reason(value, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert accelerator._hindrance() == f"CUDA_VISIBLE_DEVICES={value} hides every GPU"


def test_a_system_without_a_driver_is_the_reason(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(accelerator, "_FILES", ("/no/nvidia", "/no/amd"))
    told = "this machine has none, or no driver of it: there is no /no/nvidia, no /no/amd"
    assert accelerator._hindrance() == told
    monkeypatch.setattr(accelerator, "_FILES", ("/no/nvidia", "/"))
    assert accelerator._hindrance() == ""


def test_a_system_without_an_accelerator_asks_no_framework(monkeypatch, found):
    found("a card")
    monkeypatch.setattr(accelerator, "_FILES", ("/there/is/no/such/file",))
    assert not accelerator.here("jax")


def test_lanes_are_for_jax_on_an_accelerator_unless_they_are_asked_for(monkeypatch, found):
    found("a card")
    assert [accelerator.lanes(name) for name in ("jax", "tensorflow", "torch")] == [
        accelerator.WIDTH,
        1,
        1,
    ]
    assert accelerator.lanes("jax", local=False) == 1
    found(None)
    assert accelerator.lanes("jax") == 1
    monkeypatch.setenv("RELUCLF_LANES", "4")
    assert accelerator.lanes("jax") == accelerator.lanes("jax", local=False) == 4
    monkeypatch.setenv("RELUCLF_LANES", "1")
    assert accelerator.lanes("tensorflow") == 1


@pytest.mark.parametrize("text", ["0", "-1", "many", "257", "²"])
def test_lanes_that_cannot_be_are_refused(monkeypatch, text):
    monkeypatch.setenv("RELUCLF_LANES", text)
    with pytest.raises(
        accelerator.SettingError,
        match=f"RELUCLF_LANES={text} is not allowed; it is a whole number from 1 to 256",
    ):
        accelerator.lanes("jax")


def test_lanes_on_another_backend_are_refused_before_anything_is_trained(monkeypatch, store, capfd):
    monkeypatch.setenv("RELUCLF_LANES", "4")
    monkeypatch.setattr(runtime, "backend", lambda: "tensorflow")
    with pytest.raises(
        accelerator.SettingError,
        match="needs Keras's backend jax, not tensorflow; set KERAS_BACKEND=jax, or unset RELUCLF_LANES",
    ):
        training.train_missing([SPEC], store)


def test_an_accelerator_is_shared_by_few_processes_and_a_processor_by_one_a_core(
    monkeypatch, found
):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 16)
    found(None)
    assert accelerator.processes("jax", 8) == 16
    found("a card")
    assert (
        accelerator.processes("jax", 8)
        == accelerator.WITH_LANES
        < accelerator.processes("tensorflow", 1)
        == accelerator.WITHOUT_LANES
        < 16
    )
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    assert accelerator.processes("tensorflow", 1) == 1


@pytest.mark.parametrize("name", ["RELUCLF_PRECISION", "RELUCLF_DETERMINISTIC"])
def test_a_setting_that_there_is_not_is_refused_in_one_sentence(monkeypatch, name, capsys):
    monkeypatch.setenv(name, "bf16")
    with pytest.raises(
        accelerator.SettingError, match=rf"{name}=bf16 is not allowed; \w+ and \w+ are"
    ):
        accelerator.hold("tensorflow")
    monkeypatch.setattr(runtime, "configure", lambda threads: accelerator.hold("tensorflow"))
    assert command_line.main(["steps"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {name}=bf16 is not allowed")


def test_float32_is_what_is_computed_with_unless_tf32_is_asked_for(monkeypatch, found):
    assert accelerator.precision() == "float32"
    monkeypatch.setenv("RELUCLF_PRECISION", "tf32")
    assert accelerator.precision() == "tf32"
    assert (
        accelerator.deterministic("jax")
        and accelerator.deterministic("tensorflow")
        and not accelerator.deterministic("torch")
    )
    monkeypatch.setenv("RELUCLF_DETERMINISTIC", "0")
    assert not accelerator.deterministic("jax")


def test_a_record_says_the_precision_of_its_products(keras):
    from datetime import UTC, datetime

    made = runtime.provenance(SPEC, datetime.now(UTC))
    assert made.precision == "float32"
    assert (made.deterministic is None) == made.device.startswith("CPU")


# Groups of seeds


def test_a_group_is_of_seeds_of_one_experiment_and_no_larger_than_the_program_is_wide():
    specs = grid(
        dataset="wdbc",
        architecture="ffnn",
        head=["relu", "softmax"],
        protocol="fresh",
        seed=range(1, 6),
    )
    logistic = grid(
        dataset="wdbc",
        architecture="logistic",
        head="softmax",
        protocol="fresh",
        epochs=1,
        seed=range(1, 3),
    )
    groups = lanes.grouped([*specs, *logistic], 3)
    assert [[(spec.head, spec.seed) for spec in group] for group in groups] == [
        [("relu", 1), ("relu", 2), ("relu", 3)],
        [("relu", 4), ("relu", 5)],
        [("softmax", 1), ("softmax", 2), ("softmax", 3)],
        [("softmax", 4), ("softmax", 5)],
        [("softmax", 1)],
        [("softmax", 2)],
    ]
    assert lanes.grouped(specs, 1) == [[spec] for spec in specs]


# Provenance


def test_an_older_record_is_written_as_it_was_read():
    old = record(SPEC, [], 0.9)
    assert not {"precision", "deterministic", "width", "lane"} & set(
        json.loads(old.to_json())["provenance"]
    )
    held = {"precision": "float32", "deterministic": False, "width": 8, "lane": 0}
    new = old.model_copy(update={"provenance": old.provenance.model_copy(update=held)})
    assert held.items() <= json.loads(new.to_json())["provenance"].items()


@pytest.mark.parametrize(
    "place", [{"width": 4}, {"lane": 0}, {"width": 4, "lane": 4}, {"width": 1, "lane": 0}]
)
def test_a_lane_that_its_program_does_not_have_is_refused(place):
    fields = record(SPEC, [], 0.9).provenance.model_dump()
    with pytest.raises(ValueError, match=r"lane|width"):
        Provenance(**fields | place)


# Verification


def test_a_run_that_had_a_lane_is_made_again_in_a_program_as_wide_where_that_can_be_had(
    monkeypatch, found
):
    def made(**where):
        run = record(SPEC, [], 0.9)
        return run.model_copy(
            update={
                "provenance": run.provenance.model_copy(
                    update={"backend": "jax", "width": 8, "lane": 2} | where
                )
            }
        )

    monkeypatch.setattr(runtime, "backend", lambda: "jax")
    found(None)
    assert verify.width_of(made()) == 8  # of a processor, on a processor
    assert verify.width_of(made(device="NVIDIA H100")) == 1
    assert verify.width_of(made(width=None, lane=None)) == 1
    found("NVIDIA H100")
    assert verify.width_of(made(device="NVIDIA H100")) == 8
    monkeypatch.setattr(runtime, "backend", lambda: "tensorflow")
    assert verify.width_of(made()) == 1


def test_another_width_or_precision_is_named_as_a_reason_to_differ():
    def made(**where):
        run = record(SPEC, [], 0.9)
        return run.model_copy(
            update={
                "provenance": run.provenance.model_copy(
                    update={"device": "NVIDIA H100", "precision": "float32"} | where
                )
            }
        )

    one, other = made(width=8, lane=0), made(precision="tf32")
    other = other.model_copy(update={"test": record(SPEC, [], 0.89).test})
    assert verify.compare(one, other, [one]).why.startswith("other width, precision;")
    older = made(precision=None)
    assert "precision" not in verify.compare(older, other, [one]).why
