"""What the tests share. No test touches the user's cache, the committed records or the network."""

from __future__ import annotations

import os

import hypothesis
import numpy as np
import pytest
from factory import forget_rows

from reluclf import data, paths, sources
from reluclf.campaign import processes, runtime, training
from reluclf.store import Store

# In a hook git has set these to the user's own repository, and tests make commits.
for _name in [name for name in os.environ if name.startswith("GIT_")]:
    del os.environ[_name]

# Nor are they signed, or seen by hooks, as the user's own may have to be.
_PLAIN = {"commit.gpgsign": "false", "tag.gpgsign": "false", "core.hooksPath": os.devnull}
os.environ["GIT_CONFIG_COUNT"] = str(len(_PLAIN))
for _number, (_key, _value) in enumerate(_PLAIN.items()):
    os.environ[f"GIT_CONFIG_KEY_{_number}"] = _key
    os.environ[f"GIT_CONFIG_VALUE_{_number}"] = _value

# The same examples in every run, and no deadline: a busy machine must not decide whether a test passes.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("suite")

_download = sources._download


def _set_cache(patch, folder):
    # On Windows platformdirs heeds the second.
    for name in ("XDG_CACHE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        patch.setenv(name, str(folder))


def _unset(patch):
    for name in ("RELUCLF_RESULTS", "RELUCLF_AFRESH"):
        patch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _no_user_cache_in_session_fixtures(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        _set_cache(patch, tmp_path_factory.mktemp("cache"))
        _unset(patch)
        yield


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Every test starts with an empty cache of its own, writes no committed record, and has no network."""

    def no_network(url):
        raise ConnectionError(f"a test tried to download {url}")

    _set_cache(monkeypatch, tmp_path / "cache")
    _unset(monkeypatch)
    monkeypatch.setattr(sources, "_download", no_network)
    forget_rows()
    yield
    forget_rows()


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    """Has this process do what one worker is asked, so that a test can look into it; undone by calling what is returned."""
    several = training.train_here

    def here(jobs, workers):
        if workers > 1:
            yield from several(jobs, workers)
        else:
            for job in jobs:
                yield from job.work(*job.arguments)

    monkeypatch.setattr(training, "train_here", here)
    return lambda: monkeypatch.setattr(training, "train_here", several)


@pytest.fixture
def network(_alone, monkeypatch):
    """The real download, for tests that serve the files themselves."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(sources, "_download", _download)


@pytest.fixture(scope="session")
def everything():
    """All committed records, read once."""
    return Store(paths.RESULTS).read_all()


@pytest.fixture(scope="session")
def keras():
    """Keras, imported as a campaign's workers import it: one thread, no log lines."""
    runtime.configure(threads=1)
    import keras

    return keras


@pytest.fixture(scope="session")
def jax():
    """Skips a test of what JAX alone does, unless JAX is Keras's backend here."""
    if os.environ.get("KERAS_BACKEND") != "jax":
        pytest.skip("set KERAS_BACKEND=jax, with JAX installed (make jax), to run this")
    runtime.configure(threads=1)
    import jax

    return jax


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Store(tmp_path / "results")


@pytest.fixture
def workers():
    """Ends the worker processes after a test: they would keep its cache folder for the next one."""
    yield
    processes.end_workers()


@pytest.fixture(scope="session")
def images():
    """Skips a test that needs the published images where they are not."""
    if not os.environ.get("RELUCLF_DATA"):
        pytest.skip("set RELUCLF_DATA to a folder with mnist/ and fashion_mnist/ to run this")


@pytest.fixture(scope="session")
def _few_images():
    """Ten noisy patterns, one a class, in the layout of MNIST; the 5,000 images that are set aside are all white, so using them would show."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 200, (10, 28, 28))

    def noisy(labels):
        return (patterns[labels] + rng.integers(0, 56, (len(labels), 28, 28))).astype(np.uint8)

    train, test = np.arange(400) % 10, np.arange(100) % 10
    set_aside = (
        np.full((data.N_SET_ASIDE, 28, 28), 255, np.uint8),
        np.zeros(data.N_SET_ASIDE, np.uint8),
    )
    return sources.Images(
        train_images=np.concatenate([set_aside[0], noisy(train)]),
        train_labels=np.concatenate([set_aside[1], train.astype(np.uint8)]),
        test_images=noisy(test),
        test_labels=test.astype(np.uint8),
    )


@pytest.fixture
def few_images(_few_images, monkeypatch):
    """Puts a tiny, learnable data set in the place of MNIST and Fashion-MNIST: 400 images to train on, 100 to test on."""
    monkeypatch.setattr(sources, "load_images", lambda dataset: _few_images)
    return _few_images
