"""The three data sets, byte-exact, and their preparation as in sections 2.2 and 2.3 of the paper.

MNIST and Fashion-MNIST are read from their original IDX files, whose decompressed bytes must have the SHA-256 named here, wherever they
came from: ``$RELUCLF_DATA``, the user's cache, or a download. WDBC comes with scikit-learn.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reluclf import paths
from reluclf.specs import N_SPLITS, Spec

#: The principal components kept (paper, section 2.3).
N_COMPONENTS = 256

#: The author's loader sets the first 5,000 training images aside as a validation set, which his code never uses.
N_SET_ASIDE = 5_000

#: Seed of the fold split, in the author's code and here.
FOLD_SEED = 10

#: Share of WDBC that is the test set, in the author's code and here.
WDBC_TEST_SHARE = 0.30

CLASSES = {
    "mnist": [str(digit) for digit in range(10)],
    "fashion_mnist": ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
    "wdbc": ["malignant", "benign"],
}

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "wdbc": "WDBC"}

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

#: SHA-256 of the decompressed bytes of every IDX file. (The compressed bytes differ from mirror to mirror.)
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}

#: Where the files are downloaded from, in this order.
MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion_mnist": (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
}

#: Seconds that a mirror may take to answer before the next one is tried.
TIMEOUT = 20


class DataError(RuntimeError):
    """A data set that cannot be had; the message names it, what was tried, and the remedy."""


@dataclass(frozen=True)
class Images:
    """An image data set as published.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8, shape (60000, 28, 28) and (10000, 28, 28)
        Grey levels, 0 to 255.
    train_labels, test_labels : ndarray of uint8, shape (60000,) and (10000,)
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class Split:
    """The raw training and test set of a run: what is there before standardisation and PCA.

    Attributes
    ----------
    x_train, x_test : ndarray of float64, shape (n, d)
        Pixels scaled to [0, 1], d = 784; or the 30 measurements of WDBC in their own units.
    y_train, y_test : ndarray of int64, shape (n,)
        Class numbers from 0.
    n_classes : int
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    n_classes: int


@functools.lru_cache(maxsize=2)
def load_images(dataset: str) -> Images:
    """Load MNIST or Fashion-MNIST (paper, sections 2.2.1 and 2.2.2).

    Parameters
    ----------
    dataset : {"mnist", "fashion_mnist"}

    Returns
    -------
    Images

    Raises
    ------
    DataError
        If no source has the right bytes.
    """
    train_images, train_labels, test_images, test_labels = (_parse_idx(_idx_bytes(dataset, name)) for name in _FILES)
    return Images(train_images, train_labels, test_images, test_labels)


def load_split(spec: Spec) -> Split:
    """The training and test set of a run, before any preparation that learns from data.

    Parameters
    ----------
    spec : Spec
        ``dataset``, ``samples`` and, for WDBC, ``seed`` are used: the author's WDBC split has no seed, so each of our runs has its own.

    Returns
    -------
    Split

    Raises
    ------
    DataError
        If the images cannot be had.
    """
    n = spec.samples
    if spec.dataset == "wdbc":
        split = _wdbc(spec.seed)
        return Split(split.x_train[:n], split.y_train[:n], split.x_test[:n], split.y_test[:n], split.n_classes)
    images = load_images(spec.dataset)
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
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=WDBC_TEST_SHARE, stratify=y, random_state=seed)
    return Split(x_train, y_train, x_test, y_test, n_classes=2)


def folds(y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The ten stratified folds of the author's code (paper, section 2.5), the same for every seed.

    Parameters
    ----------
    y : ndarray of int, shape (n,)

    Returns
    -------
    list of (ndarray, ndarray)
        Row numbers to train on and to validate on, for each fold.
    """
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(n_splits=N_SPLITS, shuffle=True, random_state=FOLD_SEED)
    return list(splitter.split(np.zeros((len(y), 1)), y))


def prepare(spec: Spec, fit_on: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Turn raw rows into what the network sees, learning from ``fit_on`` alone.

    The paper (section 2.3) standardises, and projects images on their first 256 principal components; no whitening.

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
    # With one BLAS thread the sums are done in one order, so the same machine gives the same bits whatever else runs on it.
    with threadpool_limits(limits=1):
        pipeline.fit(fit_on)
        return [pipeline.transform(x).astype(np.float32) for x in (fit_on, *others)]


def shrink(images: np.ndarray) -> np.ndarray:
    """Average images of 28 x 28 pixels down to 16 x 16, each new pixel the mean of the area it covers.

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
    return np.einsum("ij,njk,lk->nil", weights, images.reshape(-1, old, old), weights, optimize=True).reshape(-1, new * new)


def checksums(dataset: str) -> dict[str, str]:
    """SHA-256 of what a data set is read from: of each IDX file, or of WDBC's measurements and labels as scikit-learn returns them."""
    if dataset != "wdbc":
        return SHA256[dataset]
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return {
        "measurements": hashlib.sha256(np.ascontiguousarray(x, dtype="<f8").tobytes()).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(y, dtype="<i8").tobytes()).hexdigest(),
    }


def _idx_bytes(dataset: str, name: str) -> bytes:
    """The verified, decompressed bytes of one IDX file, from the first source that has them."""
    tried = []
    own = paths.user_data()
    if own is None:
        tried.append("$RELUCLF_DATA is not set")
    else:
        file = own / dataset / f"{name}.gz"
        try:
            return _verified(file.read_bytes(), dataset, name)
        except (OSError, DataError) as error:
            tried.append(f"{file}: {_reason(error)}")
    cached = paths.user_cache() / dataset / f"{name}.gz"
    try:
        return _verified(cached.read_bytes(), dataset, name)
    except (OSError, DataError) as error:
        tried.append(f"{cached}: {_reason(error)}")
    for mirror in MIRRORS[dataset]:
        try:
            compressed = _download(mirror + f"{name}.gz")
            content = _verified(compressed, dataset, name)
        except (OSError, DataError) as error:  # requests' errors are OSErrors
            tried.append(f"{mirror}: {_reason(error)}")
            continue
        _keep(cached, compressed)
        return content
    raise DataError(
        f"{TITLES[dataset]} cannot be had: no source has the right {name}.gz (tried: {'; '.join(tried)}); "
        f"connect to the network and run again, or put the four original IDX files into a folder {dataset}/ and set "
        f"RELUCLF_DATA to the folder above it."
    )


def _verified(compressed: bytes, dataset: str, name: str) -> bytes:
    try:
        content = gzip.decompress(compressed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"not a whole gzip file ({len(compressed)} bytes)") from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[dataset][name]:
        raise DataError(f"its bytes are not the published ones (SHA-256 {found[:12]}..., not {SHA256[dataset][name][:12]}...)")
    return content


def _download(url: str) -> bytes:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=True)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "download"
        downloader(url, file, None)
        return file.read_bytes()


def _keep(file: Path, content: bytes) -> None:
    """Keep verified bytes in the cache; a cache that cannot be written to is no reason to fail."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            scratch.write_bytes(content)
            scratch.replace(file)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError:
        pass


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "not there"
    if isinstance(error, DataError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _parse_idx(content: bytes) -> np.ndarray:
    """Parse an IDX file of unsigned bytes: a big-endian header (0, 0, type 8, dimensions), the shape, the values."""
    zeros, kind, dimensions = struct.unpack_from(">HBB", content)
    if zeros != 0 or kind != 8:
        raise DataError("the file has not the magic number of an IDX file of bytes; get the original file")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    values.flags.writeable = False
    return values
