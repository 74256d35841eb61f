"""The program, ready to be called many times: one process that has imported it and forks for each call.

Pages call ``market-agents`` dozens of times, and each call would spend most of its time on importing. The programs
``market-agents`` and ``python`` that a page finds hand arguments, folder, environment and standard streams to that
process, wait, and end as the call did. ``python`` does so for this package's modules only, and is Python otherwise.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from market_agents.cli import VERBS
from tests.rig.loopback import forbid_outside_connections

ROOT = Path(__file__).parents[2]
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
program, words = os.path.abspath(sys.argv[0]), sys.argv[1:]
if program.endswith("python") and not (words[:1] == ["-m"] and words[1].startswith("market_agents")):
    os.execv({python!r}, [{python!r}, *words])
call = json.dumps([program, words, os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [len(call).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(call)
    sys.exit(int(server.recv(8) or b"1"))
"""


@contextmanager
def warm_program(folder: Path) -> Iterator[Path]:
    """Start the process; gives the folder with the programs that call it, and ends it afterwards."""
    programs, address = folder / "bin", str(folder / "s")
    programs.mkdir()
    for name in ("market-agents", "python"):
        program = programs / name
        program.write_text(CLIENT.format(python=sys.executable, address=address), "utf-8")
        program.chmod(0o755)
    command = [sys.executable, "-m", "tests.docs.warm", address]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield programs
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Answer calls, each in a process of its own, until told to end."""
    for verb in VERBS:
        import_module(f"market_agents.cli.{verb.replace('-', '_')}")
    for heavy in ("aiohttp", "alembic.command", "matplotlib.backends.backend_svg", "pandas"):
        import_module(heavy)
    forbid_outside_connections(pytest.MonkeyPatch())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            caller, _ = door.accept()
            if os.fork() == 0:
                door.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> None:
    """Carry out one call in this process, which ends with it."""
    head, streams, _, _ = socket.recv_fds(caller, 8, 3)
    body = b""
    while len(body) < int.from_bytes(head, "big"):
        body += caller.recv(65536)
    program, words, folder, environment = json.loads(body)
    for stream, number in zip(streams, (0, 1, 2), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = str(Path(program).with_name("python"))
    sys.path[:] = [ROOT.as_posix(), *(place for place in sys.path if place not in {"", ROOT.as_posix()})]
    code = _called(Path(program).name, words)
    sys.stdout.flush()
    sys.stderr.flush()
    caller.sendall(str(code).encode())
    os._exit(code)


def _called(name: str, words: list[str]) -> int:
    module, arguments = ("market_agents", words) if name == "market-agents" else (words[1], words[2:])
    sys.argv = [name, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
