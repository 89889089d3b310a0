"""The data, split and prepared as the author's notebooks do, with scikit-learn 0.19.1.

The images come from the four original IDX files of each set, whose decompressed bytes are checked;
WDBC comes with scikit-learn.
"""

import gzip
import hashlib
import os
import struct

import numpy as np

#: The author's loader sets the first 5,000 training images aside; his code never uses them.
N_SET_ASIDE = 5000

N_COMPONENTS = 256
N_SPLITS = 10
FOLD_SEED = 10

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

#: SHA-256 of the decompressed bytes, in the order of :data:`FILES`.
SHA256 = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


class DataError(RuntimeError):
    """Data that cannot be had; the message names the file, what is wrong, and the remedy."""


def folders():
    """List where IDX files are looked for: ``$RELUCLF_DATA``, then the cache the book fills."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    own = os.environ.get("RELUCLF_DATA")
    return ([own] if own else []) + [os.path.join(cache, "reluclf")]


def read_idx(dataset, name):
    """Read one IDX file and check its bytes.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    DataError
        If no folder has the published bytes.
    """
    expected = SHA256[dataset][FILES.index(name)]
    tried = []
    for folder in folders():
        file = os.path.join(folder, dataset, name + ".gz")
        try:
            with gzip.open(file) as stream:
                content = stream.read()
        except (OSError, EOFError) as error:
            tried.append("{} ({})".format(file, type(error).__name__))
            continue
        if hashlib.sha256(content).hexdigest() == expected:
            dimensions = content[3]
            shape = struct.unpack_from(">{}I".format(dimensions), content, 4)
            return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
        tried.append("{} (not the published bytes)".format(file))
    raise DataError(
        "{}.gz of {} cannot be had (tried: {}); let `make chapter CHAPTER={} seeds=1 epochs=1` "
        "download it, or set RELUCLF_DATA to the folder that holds {}/.".format(
            name, dataset, ", ".join(tried), dataset.split("_")[0], dataset
        )
    )


def checksums(dataset):
    """Tell the SHA-256 of what a data set is read from, by name."""
    if dataset != "wdbc":
        return dict(zip(FILES, SHA256[dataset]))
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return {
        "measurements": hashlib.sha256(np.ascontiguousarray(x, dtype="<f8").tobytes()).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(y, dtype="<i8").tobytes()).hexdigest(),
    }


def folds(y):
    """Split rows into the ten folds of scikit-learn 0.19.1, as the author's code does.

    Parameters
    ----------
    y : ndarray of int, shape (n,)

    Returns
    -------
    list of (ndarray, ndarray)
        Row numbers to train on and to validate on.
    """
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(n_splits=N_SPLITS, shuffle=True, random_state=FOLD_SEED)
    return list(splitter.split(np.zeros((len(y), 1)), y))


def prepared(spec):
    """Load the training and test set of a run as its network sees them.

    The images are standardised and projected on 256 components by ``PCA(n_components=256)``, whose
    default for so many rows is the randomised solver; its draw is the seed's. WDBC is split with
    the seed, and standardised unless ``features`` is ``raw``.

    Returns
    -------
    tuple of ndarray
        Training features and classes, test features and classes.
    """
    from sklearn.preprocessing import StandardScaler

    if spec["dataset"] == "wdbc":
        x_train, y_train, x_test, y_test = wdbc(spec["seed"])
        if spec["features"] == "raw":
            return x_train, y_train, x_test, y_test
        scaler = StandardScaler().fit(x_train)
        return scaler.transform(x_train), y_train, scaler.transform(x_test), y_test
    key = (spec["dataset"], spec["seed"])
    if key not in _kept:
        _kept.clear()  # one set at a time: it is large, and a round asks for the same one in turn
        _kept[key] = images(*key)
    return _kept[key]


_kept = {}


def wdbc(seed):
    """Split WDBC into a training and a test set; the author's split has no seed, this one has."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    x, y = load_breast_cancer(return_X_y=True)
    split = train_test_split(x, y, test_size=0.30, stratify=y, random_state=seed)
    x_train, x_test, y_train, y_test = split
    return x_train, y_train, x_test, y_test


def images(dataset, seed):
    """Load images and turn them into the scores of 256 components."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    x_train, y_train, x_test, y_test = [read_idx(dataset, name) for name in FILES]
    # As TensorFlow's read_data_sets, which the notebooks use: float32, times 1/255.
    pixels = [
        np.multiply(x.reshape(len(x), 784).astype(np.float32), 1.0 / 255.0)
        for x in (x_train[N_SET_ASIDE:], x_test)
    ]
    scaler = StandardScaler().fit(pixels[0])
    standardised = [scaler.transform(x) for x in pixels]
    pca = PCA(n_components=N_COMPONENTS, random_state=seed)
    scores = pca.fit_transform(standardised[0]), pca.transform(standardised[1])
    classes = [y.astype(np.int64) for y in (y_train[N_SET_ASIDE:], y_test)]
    return scores[0], classes[0], scores[1], classes[1]
