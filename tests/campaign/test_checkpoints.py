"""Checkpoints: what an unfinished run has got to is taken up again, unless it cannot be trusted."""

import importlib.metadata
from pathlib import Path

import factory
import numpy as np
import pytest
from factory import TINY, files

from reluclf import Spec, fitting, paths, protocols
from reluclf.campaign import checkpoints, runtime, training, worker
from reluclf.campaign.checkpoints import Checkpoint
from reluclf.record import Final
from reluclf.store import Store

TWO_FOLDS = Spec(**TINY | {"folds": 2}, seed=1)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def state(keras):
    """What a run has got to after its first fold."""
    kept = []

    class Observer(fitting.Observer):
        def fold(self, state):
            kept.append(state)
            raise Interrupted

    with pytest.raises(Interrupted):
        protocols.run(TWO_FOLDS, Observer())
    return kept[0]


@pytest.fixture
def kept(state, store):
    """The file of that run's checkpoint."""
    Checkpoint(TWO_FOLDS, store).fold(state)
    (file,) = (paths.user_cache() / "unfinished").rglob("*.checkpoint")
    return file


def test_a_checkpoint_gives_back_the_state_it_was_given(kept, state, store):
    loaded = Checkpoint(TWO_FOLDS, store).load()
    assert loaded.folds == state.folds
    assert (loaded.batches, loaded.diverged_at) == (state.batches, state.diverged_at)
    assert all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in zip(loaded.weights, state.weights, strict=True)
    )


def test_a_checkpoint_of_a_diverged_run_can_be_taken_up_again(keras, state, store):
    loss = (float("nan"),) * TWO_FOLDS.epochs
    fold = state.folds[0].model_copy(
        update={"train": state.folds[0].train.model_copy(update={"loss": loss})}
    )
    Checkpoint(TWO_FOLDS, store).fold(
        fitting.State(
            folds=[fold], batches=2, diverged_at=1, weights=[np.full(3, np.nan, np.float32)]
        )
    )
    loaded = Checkpoint(TWO_FOLDS, store).load()
    assert loaded.diverged_at == 1
    assert repr(loaded.folds) == repr([fold])
    assert np.isnan(loaded.weights[0]).all()


def test_a_checkpoint_of_fresh_keeps_no_weights(keras, state, store):
    spec = Spec(**TINY | {"protocol": "fresh", "folds": 2}, seed=1)
    Checkpoint(spec, store).fold(fitting.State(folds=state.folds, batches=2))
    assert Checkpoint(spec, store).load() == fitting.State(folds=state.folds, batches=2)


def test_a_run_without_a_checkpoint_starts_from_the_beginning(keras, store):
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_of_other_code_is_not_used(kept, monkeypatch, store):
    monkeypatch.setattr(runtime, "code_digest", lambda: "0" * 64)
    assert Checkpoint(TWO_FOLDS, store).load() is None


@pytest.mark.parametrize("library", ["keras", "numpy", "tensorflow", "scikit-learn", "scipy"])
def test_a_checkpoint_of_another_version_of_a_library_that_decides_a_runs_outcome_is_not_used(
    kept, monkeypatch, keras, library, store
):
    if library == "tensorflow" and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow is not the backend")
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.0" if name == library else version(name)
    )
    module = {"scikit-learn": "sklearn"}.get(library, library)
    monkeypatch.setattr(f"{module}.__version__", "0.0")
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_of_another_backend_is_not_used(kept, monkeypatch, keras, store):
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.0" if name == "jaxlib" else version(name)
    )
    device = runtime.device("tensorflow")
    monkeypatch.setattr(runtime, "device", lambda backend: device)  # JAX need not be there
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_whose_folds_are_recorded_in_another_way_is_not_used(kept, monkeypatch, store):
    monkeypatch.setattr(checkpoints, "Fold", Final)
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_of_another_processor_is_not_used(kept, monkeypatch, store):
    monkeypatch.setattr(runtime, "processor", lambda: "another")
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_in_the_place_of_another_specs_is_not_used(kept, store):
    other = Spec(**TINY | {"folds": 2}, seed=2)
    kept.rename(kept.with_name("seed-2.checkpoint"))
    assert Checkpoint(other, store).load() is None


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "cut off": cut,
    "without its last byte": lambda content: content[:-1],
    "a flipped bit": flip,
    "zeros": lambda content: bytes(len(content)),
    "something else": lambda content: b"not a checkpoint\n" * 100,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_is_not_used(kept, damage, store):
    kept.write_bytes(damage(kept.read_bytes()))
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_with_any_flipped_bit_is_not_used(kept, store):
    whole = kept.read_bytes()
    # Bits of its beginning and its end, where the digest, the flags and the directory are, and some of those between.
    for place in [
        *range(0, 8 * 64, 5),
        *range(8 * 64, 8 * (len(whole) - 64), 300_007),
        *range(8 * (len(whole) - 64), 8 * len(whole), 5),
    ]:
        byte, bit = divmod(place, 8)
        kept.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1 << bit]) + whole[byte + 1 :])
        assert Checkpoint(TWO_FOLDS, store).load() is None
    kept.write_bytes(whole)
    assert Checkpoint(TWO_FOLDS, store).load() is not None


def test_a_damaged_checkpoint_does_not_stop_its_run(kept, store):
    kept.write_bytes(cut(kept.read_bytes()))
    worker.train(TWO_FOLDS, store)
    assert TWO_FOLDS in store
    assert files(paths.user_cache() / "unfinished") == []


def test_a_run_says_how_many_of_its_epochs_are_done_also_when_it_is_taken_up_again(kept, store):
    checkpoint = Checkpoint(TWO_FOLDS, store)
    checkpoint.load()
    checkpoint.epoch()
    assert store.unfinished(TWO_FOLDS, "epochs").read_text() == "2"
    checkpoint.clear()
    assert files(paths.user_cache() / "unfinished") == []


def test_a_cache_that_cannot_be_written_does_not_stop_the_progress_of_a_run(
    keras, monkeypatch, tmp_path, store
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    Checkpoint(TWO_FOLDS, store).epoch()


def test_a_run_in_a_home_without_a_writable_cache_still_gives_its_record(
    keras, monkeypatch, tmp_path, store
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    worker.train(TWO_FOLDS, store)
    assert TWO_FOLDS in store


def test_what_a_run_killed_as_its_record_was_written_left_is_removed(kept, store):
    Path(str(kept).removesuffix(".checkpoint") + ".trace").touch()
    store.write(factory.record(TWO_FOLDS, [0.9, 0.9], 0.9))
    assert training.train_missing([TWO_FOLDS], store) == 0
    assert files(paths.user_cache() / "unfinished") == []


def test_what_an_interrupted_run_left_is_kept_from_a_campaign_with_the_same_spec_in_another_folder(
    kept, store, tmp_path
):
    elsewhere = Store(tmp_path / "elsewhere")
    elsewhere.write(factory.record(TWO_FOLDS, [0.9, 0.9], 0.9))
    assert training.train_missing([TWO_FOLDS], elsewhere) == 0
    assert Checkpoint(TWO_FOLDS, store).load() is not None
