"""Where the images come from: only the published bytes are ever used or kept, whichever source has them."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import json
import os
import shutil
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

from reluclf import paths, sources

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
ARRAYS = {
    "train-images-idx3-ubyte": np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5),
    "train-labels-idx1-ubyte": np.array([7, 0, 9], np.uint8),
    "t10k-images-idx3-ubyte": np.arange(100, 140, dtype=np.uint8).reshape(2, 4, 5),
    "t10k-labels-idx1-ubyte": np.array([1, 8], np.uint8),
}
MIRRORS = ("https://one.example/", "https://two.example/")


def idx(array, kind=8):
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


GOOD = {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in ARRAYS.items()}
IMAGES = f"{NAMES[0]}.gz"
HTML = b"<!DOCTYPE html><html><title>Sign in to the network</title></html>"

#: What may lie where a file should be. Every one must be seen through.
BAD = {
    "truncated": GOOD[IMAGES][:-9],
    "cut in the middle": GOOD[IMAGES][: len(GOOD[IMAGES]) // 2],
    "empty": b"",
    "an HTML page": HTML,
    "an HTML page, gzipped": gzip.compress(HTML),
    "another file of the set": GOOD[f"{NAMES[1]}.gz"],
    "altered, and gzipped again": gzip.compress(idx(ARRAYS[NAMES[0]] ^ 1)),
    "a flipped bit": GOOD[IMAGES][:30] + bytes([GOOD[IMAGES][30] ^ 4]) + GOOD[IMAGES][31:],
}


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """A tiny MNIST with its own checksums and mirrors; nothing set, nothing cached."""
    monkeypatch.delenv("RELUCLF_DATA", raising=False)
    monkeypatch.setitem(
        sources.SHA256,
        "mnist",
        {name: hashlib.sha256(idx(array)).hexdigest() for name, array in ARRAYS.items()},
    )
    monkeypatch.setitem(sources.MIRRORS, "mnist", MIRRORS)
    sources.load_images.cache_clear()
    yield
    sources.load_images.cache_clear()


@pytest.fixture
def own(monkeypatch, tmp_path):
    """Sets RELUCLF_DATA to a folder without files."""
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def serve(monkeypatch):
    """Serves downloads from a dict of contents by address; what is not in it cannot be reached. Returns the list of the addresses asked for."""

    def start(contents):
        asked = []

        def download(url):
            asked.append(url)
            if url not in contents:
                raise ConnectionError("unreachable")
            return contents[url]

        monkeypatch.setattr(sources, "_download", download)
        return asked

    return start


def put(folder, files):
    (folder / "mnist").mkdir(parents=True)
    for name, content in files.items():
        (folder / "mnist" / name).write_bytes(content)


def cached():
    return {
        file.name: file.read_bytes() for file in paths.user_cache().rglob("*") if file.is_file()
    }


def is_published(images):
    arrays = images.train_images, images.train_labels, images.test_images, images.test_labels
    return all(
        np.array_equal(array, expected)
        for array, expected in zip(arrays, ARRAYS.values(), strict=True)
    )


def on(mirror, files):
    return {mirror + name: content for name, content in files.items()}


def test_the_users_own_folder_is_enough(own):
    put(own, GOOD)
    assert is_published(sources.load_images("mnist"))
    assert cached() == {}


def test_the_cache_alone_is_enough():
    put(paths.user_cache(), GOOD)
    assert is_published(sources.load_images("mnist"))


def test_the_users_own_folder_comes_before_the_cache_and_the_cache_before_the_network(own, serve):
    put(own, GOOD)
    (own / "mnist" / IMAGES).unlink()
    put(paths.user_cache(), GOOD)
    asked = serve(on(MIRRORS[0], GOOD))
    assert is_published(sources.load_images("mnist"))
    assert asked == []


def test_what_is_downloaded_is_kept_and_not_downloaded_again(serve):
    asked = serve(on(MIRRORS[0], GOOD))
    assert is_published(sources.load_images("mnist"))
    assert cached() == GOOD
    sources.load_images.cache_clear()
    assert is_published(sources.load_images("mnist"))
    assert asked == [MIRRORS[0] + name for name in GOOD]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_file_in_the_users_own_folder_gives_way_to_the_cache(own, bad):
    put(own, GOOD | {IMAGES: bad})
    put(paths.user_cache(), GOOD)
    assert is_published(sources.load_images("mnist"))


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_file_in_the_cache_is_replaced_by_a_good_one(serve, bad):
    put(paths.user_cache(), GOOD | {IMAGES: bad})
    asked = serve(on(MIRRORS[0], GOOD))
    assert is_published(sources.load_images("mnist"))
    assert asked == [MIRRORS[0] + IMAGES]
    assert cached() == GOOD


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_mirror_with_a_bad_file_gives_way_to_the_next_and_its_bytes_are_not_kept(serve, bad):
    asked = serve(on(MIRRORS[0], GOOD | {IMAGES: bad}) | on(MIRRORS[1], GOOD))
    assert is_published(sources.load_images("mnist"))
    assert asked[:3] == [MIRRORS[0] + IMAGES, MIRRORS[1] + IMAGES, MIRRORS[0] + f"{NAMES[1]}.gz"]
    assert cached() == GOOD


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_bytes_everywhere_are_an_error_and_nothing_is_kept(serve, bad):
    serve(on(MIRRORS[0], {IMAGES: bad}) | on(MIRRORS[1], {IMAGES: bad}))
    with pytest.raises(sources.DataError):
        sources.load_images("mnist")
    assert cached() == {}


def test_a_folder_in_the_place_of_a_file_gives_way_to_the_cache(own):
    (own / "mnist" / IMAGES).mkdir(parents=True)
    put(paths.user_cache(), GOOD)
    assert is_published(sources.load_images("mnist"))


def test_without_data_and_network_the_error_names_the_data_set_what_was_tried_and_both_remedies():
    with pytest.raises(sources.DataError) as caught:
        sources.load_images("mnist")
    message = str(caught.value)
    tried = ["$RELUCLF_DATA is not set", str(paths.user_cache() / "mnist" / IMAGES), *MIRRORS]
    remedies = [
        "connect to the network and run again",
        "four original IDX files into a folder mnist/",
        "set RELUCLF_DATA to the folder above",
    ]
    missing = [
        text for text in ["MNIST cannot be had", IMAGES, *tried, *remedies] if text not in message
    ]
    assert not missing, f"{missing} not in: {message}"
    assert "\n" not in message


def test_the_error_says_what_was_wrong_with_each_source(own, serve):
    put(own, {IMAGES: BAD["truncated"]})
    put(paths.user_cache(), {IMAGES: BAD["another file of the set"]})
    serve({MIRRORS[0] + IMAGES: HTML})
    with pytest.raises(sources.DataError) as caught:
        sources.load_images("mnist")
    message = str(caught.value)
    assert f"{own / 'mnist' / IMAGES}: not a whole gzip file" in message
    assert (
        f"{paths.user_cache() / 'mnist' / IMAGES}: its bytes are not the published ones" in message
    )
    assert f"{MIRRORS[0]}: not a whole gzip file" in message
    assert f"{MIRRORS[1]}: ConnectionError" in message


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(serve, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    serve(on(MIRRORS[0], GOOD))
    assert is_published(sources.load_images("mnist"))


def test_a_disk_that_fills_up_while_a_file_is_kept_leaves_no_part_of_it(serve, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    serve(on(MIRRORS[0], GOOD))
    assert is_published(sources.load_images("mnist"))
    assert cached() == {}


def test_the_two_image_sets_do_not_share_files(own, monkeypatch):
    put(own, GOOD)  # mnist/ only
    monkeypatch.setitem(sources.SHA256, "fashion_mnist", sources.SHA256["mnist"])
    with pytest.raises(
        sources.DataError, match=r"^Fashion-MNIST cannot be had.* a folder fashion_mnist/"
    ):
        sources.load_images("fashion_mnist")


@pytest.mark.parametrize(
    "content",
    [idx(ARRAYS[NAMES[0]], kind=13), b"\1" + idx(ARRAYS[NAMES[0]])[1:]],
    ids=["floats", "no zeros"],
)
def test_bytes_with_the_right_checksum_that_are_no_idx_file_of_bytes_are_refused(
    own, monkeypatch, content
):
    put(own, GOOD | {IMAGES: gzip.compress(content)})
    monkeypatch.setitem(sources.SHA256["mnist"], NAMES[0], hashlib.sha256(content).hexdigest())
    with pytest.raises(sources.DataError, match="magic number"):
        sources.load_images("mnist")


def test_images_cannot_be_changed_by_one_user_under_the_eyes_of_another(own):
    put(own, GOOD)
    with pytest.raises(ValueError, match="read-only"):
        sources.load_images("mnist").train_images[0] = 0


#: Ends when the tests of the server do: until then a mirror that is silent says nothing.
silence = threading.Event()


class Mirror(http.server.BaseHTTPRequestHandler):
    """good/ has the files, short/ promises more bytes than it sends, and so on; everything else is not found."""

    def do_GET(self):
        _, folder, name = self.path.split("/")
        if folder not in ("good", "short", "silent", "unsaid", "decoded"):
            self.send_error({"forbidden": 403, "busy": 503}.get(folder, 404))
            return
        with contextlib.suppress(OSError):  # the other side hangs up
            if folder == "silent":
                silence.wait()
                return
            self.send_response(200)
            if folder == "decoded":
                self.send_header("Content-Encoding", "gzip")
            if folder != "unsaid":
                self.send_header("Content-Length", str(len(GOOD[name]) + 100 * (folder == "short")))
            self.end_headers()
            self.wfile.write(GOOD[name])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """A real server on this machine; yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    silence.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("broken", ["gone/", "short/"])
def test_a_mirror_that_answers_not_found_or_breaks_off_gives_way_to_the_next(
    server, network, monkeypatch, broken
):
    monkeypatch.setitem(sources.MIRRORS, "mnist", (server + broken, server + "good/"))
    assert is_published(sources.load_images("mnist"))
    assert cached() == GOOD


def test_a_mirror_that_does_not_answer_gives_way_to_the_next(server, network, monkeypatch):
    download = sources._download

    def impatient(url):  # but not with the mirror that answers, as late as a busy machine has it
        monkeypatch.setattr(sources, "TIMEOUT", 0.3 if "silent/" in url else 600)
        return download(url)

    monkeypatch.setattr(sources, "_download", impatient)
    monkeypatch.setitem(sources.MIRRORS, "mnist", (server + "silent/", server + "good/"))
    assert is_published(sources.load_images("mnist"))
    sources.load_images.cache_clear()
    shutil.rmtree(paths.user_cache())
    monkeypatch.setitem(sources.MIRRORS, "mnist", (server + "silent/",))
    with pytest.raises(sources.DataError, match="silent/: ReadTimeout"):
        sources.load_images("mnist")
    assert cached() == {}


def test_a_mirror_that_decodes_the_files_is_as_good_as_another(server, network, monkeypatch):
    """With ``Content-Encoding: gzip`` on a .gz file, what arrives is decompressed already."""
    monkeypatch.setitem(sources.MIRRORS, "mnist", (server + "decoded/",))
    assert is_published(sources.load_images("mnist"))
    assert cached() == GOOD


@pytest.mark.parametrize("folder", ["own", "cache"])
def test_files_that_are_decompressed_already_are_as_good(folder, own, serve):
    serve({})
    put(
        own if folder == "own" else paths.user_cache(),
        {name: idx(array) for name, array in ARRAYS.items()},
    )
    assert is_published(sources.load_images("mnist"))


@pytest.mark.parametrize("bad", ["altered", "a page"])
def test_a_decompressed_file_with_other_bytes_is_refused_and_named(bad, own, serve):
    serve({})
    content = {"altered": idx(ARRAYS[NAMES[0]] ^ 1), "a page": HTML}[bad]
    put(own, {NAMES[0]: content})
    with pytest.raises(
        sources.DataError, match=f"{NAMES[0]}: not a whole gzip file, nor what should be in it"
    ):
        sources.load_images("mnist")


def test_the_folder_may_be_named_from_the_home_folder_and_from_the_root_of_the_checkout(
    tmp_path, monkeypatch
):
    put(tmp_path / "data", GOOD)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("RELUCLF_DATA", "~/data")
    assert is_published(sources.load_images("mnist"))
    sources.load_images.cache_clear()
    (tmp_path / "book").mkdir()
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path / "book")  # where a chapter's kernel works
    monkeypatch.delenv("PWD", raising=False)
    monkeypatch.setenv("RELUCLF_DATA", "data")
    assert is_published(sources.load_images("mnist"))


def test_a_mirror_need_not_say_how_long_a_file_is(server, network, monkeypatch):
    monkeypatch.setitem(sources.MIRRORS, "mnist", (server + "unsaid/",))
    assert is_published(sources.load_images("mnist"))


def test_a_small_file_that_grows_without_end_when_it_is_unpacked_is_refused(own, monkeypatch):
    monkeypatch.setattr(sources, "_MOST", 1_000)
    put(own, GOOD | {IMAGES: gzip.compress(bytes(10_000_000))})
    asked = []
    monkeypatch.setattr(
        sources.hashlib,
        "sha256",
        lambda content: asked.append(len(content)) or hashlib.blake2b(content),
    )
    with pytest.raises(sources.DataError, match="not the published ones"):
        sources.load_images("mnist")
    assert asked == [1_000]


#: A process that loads the images from the mirror it is told, and says whether they are right.
LOAD = """
import json, sys
from reluclf import sources
given = json.loads(sys.argv[1])
sources.SHA256["mnist"], sources.MIRRORS["mnist"] = given["sha256"], given["mirrors"]
print(json.dumps([array.tolist() for array in vars(sources.load_images("mnist")).values()]))
"""


def test_processes_that_download_at_once_all_get_the_right_bytes_and_leave_a_whole_cache(server):
    given = json.dumps({"sha256": sources.SHA256["mnist"], "mirrors": [server + "good/"]})
    environment = {name: value for name, value in os.environ.items() if name != "RELUCLF_DATA"} | {
        "PYTHONPATH": str(paths.ROOT),
        "NO_PROXY": "*",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, given], env=environment, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in processes:
        assert json.loads(process.communicate()[0]) == [array.tolist() for array in ARRAYS.values()]
    assert cached() == GOOD


def test_mirrors_that_all_fail_are_named_with_what_went_wrong(server, network, monkeypatch):
    monkeypatch.setitem(
        sources.MIRRORS, "mnist", (server + "gone/", server + "short/", "http://127.0.0.1:1/")
    )
    with pytest.raises(
        sources.DataError,
        match=r"gone/: HTTP error 404 Not Found; .*short/: \w+; .*127.0.0.1:1/: ConnectionError",
    ):
        sources.load_images("mnist")


@pytest.mark.parametrize(
    ("folder", "told"), [("forbidden", "403 Forbidden"), ("busy", "503 Service Unavailable")]
)
def test_the_number_of_an_http_error_is_told(folder, told, server, network, monkeypatch):
    monkeypatch.setitem(sources.MIRRORS, "mnist", (f"{server}{folder}/",))
    with pytest.raises(sources.DataError, match=f"{folder}/: HTTP error {told}"):
        sources.load_images("mnist")


def test_the_number_that_a_proxy_answers_is_told():
    error = ConnectionError(
        "Unable to connect to proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required')"
    )
    assert sources._reason(error) == "ConnectionError (407 Proxy Authentication Required)"


def test_what_requests_says_of_a_setting_is_told():
    error = OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /no.pem")
    assert sources._reason(error) == f"OSError ({error})"


def test_files_with_a_dot_before_idx_are_as_good(own):
    put(
        own,
        {
            name.removesuffix(".gz").replace("-idx", ".idx"): gzip.decompress(content)
            for name, content in GOOD.items()
        },
    )
    assert is_published(sources.load_images("mnist"))


def test_every_published_file_has_a_checksum_and_two_mirrors():
    for dataset in ("mnist", "fashion_mnist"):
        assert set(sources.SHA256[dataset]) == set(NAMES)
        assert len(set(sources.MIRRORS[dataset])) >= 2
        assert all(
            mirror.startswith("https://") and mirror.endswith("/")
            for mirror in sources.MIRRORS[dataset]
        )
