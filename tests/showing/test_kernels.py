"""Kernels start although another process takes a port of theirs before they do."""

import socket

import nbformat
import papermill
import pytest
from jupyter_client.connect import LocalPortCache
from nbclient import NotebookClient

from reluclf.showing import kernels


@pytest.fixture
def taken(monkeypatch):
    """Offer the first kernels that start a port which is taken; return how often it was offered."""
    monkeypatch.setattr(NotebookClient, "async_start_new_kernel_client", None)
    monkeypatch.setattr(NotebookClient, "start_new_kernel_client", None)
    kernels.start_again()
    find = LocalPortCache.find_available_port
    offered = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def find_late(cache, ip):
            if len(offered) < 2:
                offered.append(other.getsockname()[1])
                return offered[-1]
            return find(cache, ip)

        monkeypatch.setattr(LocalPortCache, "find_available_port", find_late)
        yield offered


def chapter():
    cells = [nbformat.v4.new_code_cell("print(6 * 7)")]
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


@pytest.mark.slow
def test_a_build_starts_a_kernel_again_whose_port_was_taken(taken, tmp_path):
    notebook = NotebookClient(chapter(), resources={"metadata": {"path": tmp_path}}).execute()
    assert len(taken) == 2
    assert notebook.cells[0].outputs[0].text == "42\n"


@pytest.mark.slow
def test_papermill_starts_a_kernel_again_whose_port_was_taken(taken, tmp_path):
    nbformat.write(chapter(), tmp_path / "in.ipynb")
    notebook = papermill.execute_notebook(
        tmp_path / "in.ipynb", None, cwd=tmp_path, kernel_name="python3", progress_bar=False
    )
    assert len(taken) == 2
    assert notebook.cells[0].outputs[0].text == "42\n"
