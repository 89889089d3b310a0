"""What a record says of the machine it was made on."""

import os
import threading

import pytest

from reluclf.campaign import runtime

CPUINFO = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: {model}
model name\t: AMD EPYC
flags\t\t: fpu {flags}

processor\t: 1
model name\t: another
flags\t\t: fpu
"""


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("avx avx2 avx512f avx512bw", "AVX-512"),
        ("sse4_2 avx avx2", "AVX2"),
        ("avx", "AVX"),
        ("sse2 avx512_vnni", "SSE"),
    ],
)
def test_a_processor_is_told_from_another_of_the_same_name(flags, named):
    assert (
        runtime.described(CPUINFO.format(model=17, flags=flags))
        == f"AMD EPYC (family 25, model 17, {named})"
    )
    assert runtime.described(CPUINFO.format(model=1, flags=flags)) != runtime.described(
        CPUINFO.format(model=17, flags=flags)
    )


@pytest.mark.parametrize("cpuinfo", ["", "Hardware : BCM2835\n", "processor : 0\nBogoMIPS : 100\n"])
def test_what_is_no_such_processor_is_not_made_up(cpuinfo):
    with pytest.raises(KeyError):
        runtime.described(cpuinfo)


def test_this_machine_has_a_processor():
    assert runtime.processor() and "\n" not in runtime.processor()


def test_two_threads_that_load_a_framework_leave_standard_error_as_it_was():
    before = os.fstat(2).st_ino
    inside, leave = threading.Event(), threading.Event()

    def load(first):
        with runtime._no_stderr():
            if first:
                inside.set()
                leave.wait()

    threads = [threading.Thread(target=load, args=(first,)) for first in (True, False)]
    threads[0].start()
    inside.wait()
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join()
    assert os.fstat(2).st_ino == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("jax", "unset KERAS_BACKEND to train with TensorFlow, or install"),
        ("", "installed; install"),
    ],
)
def test_a_package_that_is_missing_is_told_with_the_remedy_that_fits(name, told, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(runtime.BackendError, match=told):
        runtime.backend()
