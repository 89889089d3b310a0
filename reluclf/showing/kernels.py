"""Kernels that start reliably: a port is chosen before it is used, and another may take it."""

from __future__ import annotations

from jupyter_client.client import KernelClient
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

#: How often a kernel is started that ends before it runs a cell.
ATTEMPTS = 4

#: Seconds until a kernel that says nothing is given up; on a busy machine Jupyter's 60 are few.
PATIENCE = 600

_start = NotebookClient.async_start_new_kernel_client


def start_again() -> None:
    """Have Jupyter start a kernel again that ended before it ran a cell.

    Jupyter looks for five free ports, and the kernel takes them half a second later. Where
    chapters are executed side by side, about one kernel in several hundred finds one taken and
    ends; the whole build would fail with it.
    """
    NotebookClient.async_start_new_kernel_client = _start_patiently  # type: ignore
    NotebookClient.start_new_kernel_client = run_sync(_start_patiently)


async def _start_patiently(client: NotebookClient) -> KernelClient:
    client.startup_timeout = PATIENCE
    for _ in range(ATTEMPTS - 1):
        try:
            return await _start(client)
        except RuntimeError:  # nbclient has cleared the manager of the kernel away
            client.create_kernel_manager()
            await client.async_start_new_kernel()
    return await _start(client)
