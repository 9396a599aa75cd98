"""Functions run in several processes that find each other as under torchrun."""

from __future__ import annotations

import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import socket
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

#: Seconds after which a process that hangs in a call tells where, and ends.
PATIENCE = 100.0

#: A function and its arguments.
Call = tuple[Callable[..., Any], tuple[Any, ...]]

_CONTEXT = multiprocessing.get_context("forkserver")  # torch is imported once for all
_CONTEXT.set_forkserver_preload(["tests.training.parallel_cases"])


def together(size: int, *calls: Call) -> list[list[Any]]:
    """What the calls, one after the other, return in each of `size` processes, by call and rank; fails where one of
    them does.
    """
    ports = _free_ports(len(calls))
    ends = [_CONTEXT.Pipe(duplex=False) for _ in range(size)]
    processes = [
        _CONTEXT.Process(target=_run, args=(sending, rank, size, ports, calls), daemon=True)
        for rank, (_, sending) in enumerate(ends)
    ]
    for process, (_, sending) in zip(processes, ends, strict=True):
        process.start()
        sending.close()
    try:
        return [list(results) for results in zip(*_received([end for end, _ in ends]), strict=True)]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _received(ends: Sequence[Any]) -> list[list[Any]]:
    waiting, received = {end: rank for rank, end in enumerate(ends)}, {}
    while waiting:
        for end in multiprocessing.connection.wait(list(waiting)):
            rank = waiting.pop(end)
            fine, results = end.recv()
            assert fine, f"process {rank}:\n{results}"
            received[rank] = results
    return [received[rank] for rank in range(len(ends))]


def _run(sending: Any, rank: int, size: int, ports: Sequence[int], calls: Sequence[Call]) -> None:
    import torch

    torch.set_num_threads(1)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {name: str(value) for name, value in place.items()}
    results = []
    try:
        for port, (function, arguments) in zip(ports, calls, strict=True):
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            os.environ["MASTER_PORT"] = str(port)  # its own each time: an old store may still answer at the last one
            results.append(function(*arguments))
        sending.send((True, results))
    except BaseException:
        sending.send((False, traceback.format_exc()))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
