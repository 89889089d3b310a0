"""The three data sets, split and prepared as in sections 2.2 and 2.3 of the paper.

The images are those of :mod:`reluclf.sources`; WDBC comes with scikit-learn.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace

import numpy as np

from reluclf import sources
from reluclf.spec import CLASSES as CLASSES
from reluclf.spec import N_SPLITS, Spec
from reluclf.spec import TITLES as TITLES

#: The principal components kept (paper, section 2.3).
N_COMPONENTS = 256

#: The author's loader sets the first 5,000 training images aside as a validation set, which his
#: code never uses.
N_SET_ASIDE = 5_000

#: Seed of the fold split, in the author's code and here.
FOLD_SEED = 10

#: Share of WDBC that is the test set, in the author's code and here.
WDBC_TEST_SHARE = 0.30


#: Features of shape (n, d), and class numbers, int64 of shape (n,).
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Fold:
    """What a fold is trained on, validated on and tested on, as :func:`prepare` gives it."""

    train: Rows
    held_out: Rows
    test: Rows


@dataclass(frozen=True)
class Split:
    """The training and test set of a run.

    Attributes
    ----------
    x_train, x_test : ndarray of float64, shape (n, d)
        Before standardisation and PCA: pixels scaled to [0, 1], d = 784; or the 30 measurements of
        WDBC in their own units. Of :func:`prepared` float32, as :func:`prepare` gives them.
    y_train, y_test : ndarray of int64, shape (n,)
        Class numbers from 0.
    n_classes : int
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    n_classes: int


def load_split(spec: Spec) -> Split:
    """Load the training and test set of a run, before any preparation that learns from data.

    Parameters
    ----------
    spec : Spec
        ``dataset``, ``samples`` and, for WDBC, ``seed`` are used: the author's WDBC split has no
        seed, so each of our runs has its own.

    Returns
    -------
    Split

    Raises
    ------
    reluclf.sources.DataError
        If the images cannot be had.
    """
    n = spec.samples
    if spec.dataset == "wdbc":
        split = _wdbc(spec.seed)
        return Split(
            split.x_train[:n],
            split.y_train[:n],
            split.x_test[:n],
            split.y_test[:n],
            split.n_classes,
        )
    images = sources.load_images(spec.dataset)
    train = slice(N_SET_ASIDE, None if n is None else N_SET_ASIDE + n)
    return Split(
        x_train=images.train_images[train].reshape(-1, 784) / 255.0,
        y_train=images.train_labels[train].astype(np.int64),
        x_test=images.test_images[:n].reshape(-1, 784) / 255.0,
        y_test=images.test_labels[:n].astype(np.int64),
        n_classes=10,
    )


def _wdbc(seed: int) -> Split:
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=WDBC_TEST_SHARE, stratify=y, random_state=seed
    )
    return Split(x_train, y_train, x_test, y_test, n_classes=2)


def folds(y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw ten stratified folds (paper, section 2.5), the same for every seed.

    Their number, stratification and seed are those of the author's code. The folds themselves are
    not: scikit-learn has drawn them by another algorithm since 0.22.

    Parameters
    ----------
    y : ndarray of int, shape (n,)

    Returns
    -------
    list of (ndarray, ndarray)
        Row numbers to train on and to validate on, for each fold.

    Examples
    --------
    >>> train, held_out = folds(np.array([0, 1] * 50))[0]
    >>> len(train), len(held_out), sorted(set(train) & set(held_out))
    (90, 10, [])
    """
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(n_splits=N_SPLITS, shuffle=True, random_state=FOLD_SEED)
    return list(splitter.split(np.zeros((len(y), 1)), y))


def prepare(spec: Spec, fit_on: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Turn raw rows into what the network sees, learning from ``fit_on`` alone.

    The paper (section 2.3) standardises, and projects images on their first 256 principal
    components; no whitening.

    Parameters
    ----------
    spec : Spec
        ``dataset`` and ``features`` say what is done; ``seed`` orders shuffled components.
    fit_on : ndarray of float64, shape (n, d)
        The rows that means, standard deviations and components are learnt from.
    *others : ndarray of float64, shape (m, d)
        Rows that are transformed with what was learnt.

    Returns
    -------
    list of ndarray of float32, shape (n or m, 256), for WDBC (n or m, 30)
        ``fit_on`` and the others, transformed.
    """
    from sklearn import config_context
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from threadpoolctl import threadpool_limits

    steps = [] if spec.features == "raw" else [StandardScaler()]
    if spec.features == "pixels":
        steps.insert(0, FunctionTransformer(shrink))
    elif spec.dataset != "wdbc":
        steps.append(PCA(n_components=N_COMPONENTS, svd_solver="covariance_eigh"))
    if spec.features == "shuffled":
        order = np.random.default_rng(spec.seed).permutation(N_COMPONENTS)
        steps.append(FunctionTransformer(lambda scores: scores[:, order]))
    pipeline = make_pipeline(*steps or ["passthrough"])
    # With one BLAS thread the sums are done in one order, so the same machine gives the same bits
    # whatever else runs on it.
    # A caller's scikit-learn may put out data frames.
    with threadpool_limits(limits=1), config_context(transform_output="default"):
        pipeline.fit(fit_on)
        return [pipeline.transform(x).astype(np.float32) for x in (fit_on, *others)]


def prepared(spec: Spec) -> Split:
    """Return the sets of a run as its network sees them, by what is learnt from all training rows.

    They are kept for the next run that sees the same: that of images takes seconds, and is the same
    for every seed. They are read-only; scale a copy.

    Raises
    ------
    reluclf.sources.DataError
        If the images cannot be had.
    """
    return _prepared(_seen(spec))


def prepared_fold(spec: Spec, number: int) -> Fold:
    """Return a fold of the protocol ``fresh``, counted from 1.

    Its means and components are learnt from its own training rows. It is kept as is what
    :func:`prepared` returns: seeds that are trained together ask for it one after the other.

    Raises
    ------
    reluclf.sources.DataError
        If the images cannot be had.
    """
    return _prepared_fold(_seen(spec), number)


def alike(spec: Spec) -> bool:
    """Say whether all seeds of a spec's experiment see the same rows."""
    return spec.dataset != "wdbc" and spec.features != "shuffled"


def _seen(spec: Spec) -> Spec:
    """Return a spec that sees the rows of the given one, and is the same for all that do."""
    return Spec(
        dataset=spec.dataset,
        architecture="ffnn",
        head="relu",
        protocol="carried",
        features=spec.features,
        samples=spec.samples,
        seed=1 if alike(spec) else spec.seed,
    )


@functools.lru_cache(maxsize=1)
def _prepared(spec: Spec) -> Split:
    split = load_split(spec)
    x_train, x_test = prepare(spec, split.x_train, split.x_test)
    _protect(x_train, split.y_train, x_test, split.y_test)
    return replace(split, x_train=x_train, x_test=x_test)


@functools.lru_cache(maxsize=1)
def _prepared_fold(spec: Spec, number: int) -> Fold:
    split = load_split(spec)
    train, validate = folds(split.y_train)[number - 1]
    raw = split.x_train[train], split.x_train[validate], split.x_test
    x_train, x_held_out, x_test = prepare(spec, *raw)
    y_train, y_held_out = split.y_train[train], split.y_train[validate]
    _protect(x_train, y_train, x_held_out, y_held_out, x_test, split.y_test)
    return Fold(
        train=(x_train, y_train), held_out=(x_held_out, y_held_out), test=(x_test, split.y_test)
    )


def _protect(*arrays: np.ndarray) -> None:
    """Make arrays read-only: a caller's ``x -= x.mean(0)`` would change what the next run sees."""
    for array in arrays:
        array.flags.writeable = False


def shrink(images: np.ndarray) -> np.ndarray:
    """Average images of 28 x 28 pixels down to 16 x 16, over the area that each new pixel covers.

    Parameters
    ----------
    images : ndarray of float64, shape (n, 784)

    Returns
    -------
    ndarray of float64, shape (n, 256)
    """
    old, new = 28, 16
    edges = np.arange(new + 1) * old / new
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(overlap, 0, None) * new / old
    return np.einsum(
        "ij,njk,lk->nil", weights, images.reshape(-1, old, old), weights, optimize=True
    ).reshape(-1, new * new)


@functools.cache
def checksums(dataset: str) -> dict[str, str]:
    """Digest what a data set is read from: SHA-256, by the name of the part.

    The parts are the IDX files, or WDBC's measurements and labels as scikit-learn returns them.
    """
    if dataset != "wdbc":
        return sources.SHA256[dataset]
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return {
        "measurements": hashlib.sha256(np.ascontiguousarray(x, dtype="<f8").tobytes()).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(y, dtype="<i8").tobytes()).hexdigest(),
    }
