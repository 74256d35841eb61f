"""The tests' handle on a fake model server in another process."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.rig.ports import LOOPBACK

_ROOT = Path(__file__).parents[2]
_SECONDS = 300.0


class FakeModel:
    """A fake model server; use it as a context manager, or call ``start`` and ``stop``.

    The server ends with the process that started it, however that one ends.

    Args:
        seed: another seed gives other answers to the same requests.
        faults: the rules at start and after each reset, see ``market_agents.fake_model.faults.Rule``.
        latency_ms: wait before each reply.
        jitter_ms: at most so much more, by request.
        ledger_file: file to append a JSON line to for each ended request.
        models: names that GET /v1/models lists.
        port: to listen on, 0 for a free one.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        faults: Sequence[dict[str, Any]] = (),
        latency_ms: float = 0.0,
        jitter_ms: float = 0.0,
        ledger_file: Path | None = None,
        models: Sequence[str] = ("fake-model",),
        port: int = 0,
    ) -> None:
        self.port = port
        self._command = [sys.executable, "-m", "tests.rig.fake_model_process", "--until-stdin-closes"]
        self._command += ["--seed", str(seed), "--faults", json.dumps(list(faults))]
        self._command += ["--latency-ms", str(latency_ms), "--jitter-ms", str(jitter_ms)]
        self._command += ["--models", ",".join(models)]
        if ledger_file is not None:
            self._command += ["--ledger", str(ledger_file.resolve())]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> FakeModel:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """What a client calls ``base_url``."""
        return f"http://{LOOPBACK}:{self.port}/v1"

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return once it listens; started again after a stop, it keeps its port.

        Raises:
            RuntimeError: it runs already, or did not start; its reason is on standard error.
        """
        if self.running:
            raise RuntimeError(f"the fake model is running already on port {self.port}")
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("the fake model did not start; see standard error")
        self.port = int(json.loads(line)["port"])

    def stop(self) -> None:
        """End the server. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def kill_hard(self) -> None:
        """End the server at once, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def ledger(self, bodies: bool = False) -> list[dict[str, Any]]:
        """One entry for each chat completion since the last reset, see ``market_agents.fake_model.ledger.Entry``.

        Args:
            bodies: whether each entry has the request's ``body``.
        """
        entries: list[dict[str, Any]] = self._call("GET", f"/ledger?bodies={int(bodies)}")
        return entries

    def set_faults(self, faults: Sequence[dict[str, Any]]) -> None:
        """Replace the fault rules; their counters start anew.

        Raises:
            ValueError: a rule that the server does not know.
        """
        self._call("POST", "/faults", json.dumps(list(faults)))

    def batches(self) -> list[dict[str, Any]]:
        """The latest twenty batches, whether or not anybody looked at them; the latest first."""
        page: dict[str, Any] = self._call("GET", "/v1/batches")
        batches: list[dict[str, Any]] = page["data"]
        return batches

    def cancel_batch(self, name: str) -> dict[str, Any]:
        """Cancel a batch as its owner would in the provider's console; what it has answered stays."""
        batch: dict[str, Any] = self._call("POST", f"/v1/batches/{name}/cancel")
        return batch

    def reset(self) -> None:
        """Back to the start: empty ledger, the faults of the start, hanging requests cut off."""
        self._call("POST", "/reset")

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=_SECONDS)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(answer["error"])
        return answer
