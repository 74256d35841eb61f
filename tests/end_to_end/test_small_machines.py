"""Runs where the system allows few open files."""

from __future__ import annotations

from tests.end_to_end.stage import SHIPPED, Shell, asked
from tests.rig.fake_model_client import FakeModel


def test_s02_a_process_that_may_open_few_files_asks_fewer_at_a_time(
    shell: Shell, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 20}])
    [entry] = asked(fake_model)
    done = shell.line(
        f"ulimit -n 64; {shell.python} -m market_agents run {SHIPPED} --set num_agents=100 --set max_rounds=1 "
        f"--set 'environment_order=[auction]' --set 'request_limits={{openai: {{max_in_flight: 500}}}}' "
        f"--set 'llm_configs=[{{name: served, model: fake-model, base_url: \"{entry['base_url']}\"}}]'"
    )
    assert done.code == 0, done.err
    assert "calls in flight instead of 500" in done.err
    assert "300 asks (300 calls" in done.out
