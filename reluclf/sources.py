"""MNIST and Fashion-MNIST, byte-exact: the four original IDX files, whichever source has them.

The decompressed bytes must have the SHA-256 named here, wherever they came from: ``$RELUCLF_DATA``,
the user's cache, or a download.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
import re
import struct
import tempfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reluclf import paths
from reluclf.files import write_atomically
from reluclf.spec import TITLES

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

#: SHA-256 of the decompressed bytes of every IDX file. (The compressed bytes differ from mirror to
#: mirror.)
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


#: Bytes that no file has (the largest has 47 million); what goes on beyond them when it is unpacked
#: is not read.
_MOST = 100_000_000

#: What every gzip file begins with.
_GZIP = b"\x1f\x8b"


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
    train_images, train_labels, test_images, test_labels = (
        _parse_idx(_idx_bytes(dataset, name)) for name in _FILES
    )
    return Images(train_images, train_labels, test_images, test_labels)


def _idx_bytes(dataset: str, name: str) -> bytes:
    """Return the verified, decompressed bytes of an IDX file from the first source that has it."""
    tried = []
    own = paths.user_data()
    cache = paths.user_cache()
    if own is None:
        tried.append("$RELUCLF_DATA is not set")
    for folder in filter(None, (own, cache)):
        packed = folder / dataset / f"{name}.gz"
        dotted = folder / dataset / name.replace("-idx", ".idx")  # as some programs unpack them
        for file in (packed, packed.with_suffix(""), dotted):
            try:
                return _verified(file.read_bytes(), dataset, name)
            except (OSError, DataError) as error:
                if file == packed or file.exists():
                    tried.append(f"{file}: {_reason(error)}")
    for mirror in MIRRORS[dataset]:
        try:
            content = _verified(_download(mirror + f"{name}.gz"), dataset, name)
        except (OSError, DataError) as error:  # requests' errors are OSErrors
            tried.append(f"{mirror}: {_reason(error)}")
            continue
        _keep(cache / dataset / f"{name}.gz", gzip.compress(content, mtime=0))
        return content
    raise DataError(
        f"{TITLES[dataset]} cannot be had: no source has the right {name}.gz "
        f"(tried: {'; '.join(tried)}); connect to the network and run again, "
        f"or put the four original IDX files into a folder {dataset}/, packed or not, "
        "and set RELUCLF_DATA to the folder above it."
    )


def _verified(content: bytes, dataset: str, name: str) -> bytes:
    """Return the decompressed bytes of a file, which may come decompressed already."""
    why = "not a whole gzip file, nor what should be in it"
    if content.startswith(_GZIP):
        why = "its bytes are not the published ones"
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MOST)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"not a whole gzip file ({len(content)} bytes)") from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[dataset][name]:
        raise DataError(
            f"{why} ({len(content)} bytes with SHA-256 {found[:12]}..., "
            f"not {SHA256[dataset][name][:12]}...)"
        )
    return content


def _download(url: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # its bar, which is not used, asks for widgets in a notebook
        import pooch

    pooch.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "download"
        pooch.HTTPDownloader(timeout=TIMEOUT)(url, file, None)
        return file.read_bytes()


def _keep(file: Path, content: bytes) -> None:
    """Keep verified bytes in the cache; a cache that cannot be written to is no reason to fail."""
    with contextlib.suppress(OSError):
        write_atomically(file, content)


def _reason(error: Exception) -> str:
    """Return in a few words why a source has not the file, with a server's or proxy's number."""
    if isinstance(error, FileNotFoundError):
        return "not there"
    if isinstance(error, DataError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP error {response.status_code} {response.reason}"
    text = " ".join(str(error).split())
    answered = re.search(r"\b[45]\d\d [A-Z][A-Za-z -]+", text)
    why = answered[0].strip() if answered else text if len(text) < 120 else ""
    return f"{type(error).__name__} ({why})" if why else type(error).__name__


def _parse_idx(content: bytes) -> np.ndarray:
    """Parse an IDX file of bytes: big-endian 0, 0, type 8, dimensions, then shape and values."""
    zeros, kind, dimensions = struct.unpack_from(">HBB", content)
    if zeros != 0 or kind != 8:
        raise DataError(
            "the file has not the magic number of an IDX file of bytes; get the original file"
        )
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    values.flags.writeable = False
    return values
