"""How long a save takes and how long it holds training: `python -m benchmarks.checkpoints [PROCESSES] [MEGABYTES]`.

Each process holds its share of the tensors and goes on with training steps while a save is under way. A step takes
about a second of one thread, which is little for as many weights, and ends by waiting for the copy as an optimizer
does. Held: the time in `save` and in that wait. Slower: by how much the steps meanwhile are longer than before, on the
median, without the wait. The first save takes the memory of the copy; each removes the checkpoint before it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.distributed.tensor import Shard, distribute_tensor

from schemas.recipe.training import ParallelSection
from training.checkpoints import Checkpoints
from training.parallel import joined

SAVES, COLUMNS = 4, 4096


def computed(weight: torch.Tensor, times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        weight @ weight
    return time.perf_counter() - begun


def work(rank: int, size: int, port: int, megabytes: int, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with joined(ParallelSection()) as world:
        rows = megabytes * 2**20 // (4 * COLUMNS * 16) // size * size
        whole = {f"block{number}": torch.randn(rows, COLUMNS) for number in range(16)}
        tensors = (
            whole
            if world.mesh is None
            else {name: distribute_tensor(tensor, world.mesh, [Shard(0)]) for name, tensor in whole.items()}
        )
        checkpoints = Checkpoints(folder, world, background=True)
        weight = torch.randn(1024, 1024)
        times = round(50 / computed(weight, 50))
        alone = median(computed(weight, times) for _ in range(5))
        if world.leads:
            print(f"{size} process{'es' * (size > 1)}, {megabytes} MB in all, a step takes {alone:.2f} s")
            print("save     duration    held    share   steps meanwhile   slower")
        for number in range(SAVES):
            held, written = checkpoints.held_seconds, checkpoints.writing_seconds
            steps: list[float] = []
            checkpoints.save(number, tensors, {})
            checkpoints.keep([number])
            while not steps or checkpoints.writing_seconds == written:
                steps.append(computed(weight, times))
                checkpoints.copied()
            held = checkpoints.held_seconds - held
            checkpoints.finish()
            duration = checkpoints.writing_seconds - written
            if world.leads:
                which, slower = "later" if number else "first", median(steps) / alone - 1
                print(
                    f"{which}   {duration:6.2f} s   {held:5.3f} s  {held / duration:5.1%}"
                    f"   {len(steps):6}            {slower:6.1%}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("processes", type=int, nargs="?", default=1)
    parser.add_argument("megabytes", type=int, nargs="?", default=1024)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        torch.multiprocessing.spawn(work, (asked.processes, port, asked.megabytes, folder), nprocs=asked.processes)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
