"""What a chat message costs as the number of agents grows: mechanism, observations and storage.

    python -m benchmarks.chat_scaling [--agents 50 200 500 1000 2000] [--messages 4000]

Every agent looks and then speaks, turn after turn, in cohorts of five and in one cohort of all; everything that was
decided is written to SQLite, a step a turn. CPU time of this process, divided by messages; it should not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

from market_agents.environments import BoundEnvironment
from market_agents.environments.mechanisms.group_chat import (
    ChatTreatment,
    GroupChat,
    GroupChatEnvironment,
)
from market_agents.insert_simulation_data import SimulationDataInserter, Where
from market_agents.storage import create_run, open_database

GOAL = 1.3
WINDOW = 20
TURNS = 2
WORDS = "I hear supply is plentiful; a fair price is near 97.50."

TREATMENTS = {
    "plain": ChatTreatment(),
    "delayed": ChatTreatment(delay=1),
    "scrambled": ChatTreatment(scramble=True),
}


@dataclass(eq=False)
class Member:
    """Somebody who talks."""

    id: str
    role: str = "buyer"
    environments: dict[str, BoundEnvironment] = field(default_factory=dict)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, nargs="+", default=[50, 200, 500, 1000, 2000])
    parser.add_argument("--messages", type=int, default=4000, help="in each cell; default: 4000")
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs counts; default: 3")
    arguments = parser.parse_args()
    print("CPU in µs a message")
    header = "".join(f"{agents:>8}" for agents in arguments.agents)
    print(f"{'':<28}{header} {'last/first':>11}   goal {GOAL}")
    for name, treatment in TREATMENTS.items():
        for size in (5, None):
            cell = partial(cost, group_size=size, treatment=treatment, messages=arguments.messages)
            costs = [best_of(arguments.repeat, partial(cell, agents)) for agents in arguments.agents]
            where = f"{name}, " + ("cohorts of 5" if size else "one cohort")
            row = "".join(f"{1e6 * value:>8.0f}" for value in costs)
            print(f"{where:<28}{row} {costs[-1] / costs[0]:>11.2f}")


def best_of(repeat: int, measure: Callable[[], float]) -> float:
    """The least of several measurements."""
    return min(measure() for _ in range(repeat))


def cost(agents: int, *, group_size: int | None, treatment: ChatTreatment, messages: int) -> float:
    """CPU seconds a message of one population."""
    mechanism = GroupChat(
        initial_topic="Prices",
        sub_rounds=TURNS,
        group_size=group_size,
        treatment=treatment,
        window=WINDOW,
    )
    chat = GroupChatEnvironment(mechanism=mechanism)
    members = [Member(f"agent_{number}") for number in range(1, agents + 1)]
    chat.join(members)
    rounds = max(1, messages // (agents * TURNS))
    with (
        tempfile.TemporaryDirectory() as folder,
        open_database(f"sqlite:///{Path(folder) / 'chat.db'}") as database,
    ):
        lease = create_run(database, run_id="run", seed=1, config={}, config_hash="none", code_version="none")
        inserter = SimulationDataInserter(lease, tick_size=Decimal("0.01"))
        started = time.process_time()
        for round_number in range(1, rounds + 1):
            talk(chat, mechanism, members, inserter, round_number)
        spent = time.process_time() - started
        lease.release()
    return spent / (rounds * TURNS * agents)


def talk(
    chat: GroupChatEnvironment,
    mechanism: GroupChat,
    members: list[Member],
    inserter: SimulationDataInserter,
    round_number: int,
) -> None:
    """One round: all look, all speak, all is written."""
    mechanism.begin_round(round_number, Random(round_number))
    for turn in range(1, TURNS + 1):
        mechanism.begin_sub_round(turn)
        chat.open_turn()
        for member in members:
            handle = member.environments["group_chat"]
            handle.get_global_state()
            handle.step({"message": WORDS, "metadata": {"sentiment": "neutral"}})
        chat.close_turn(Random(turn))
        inserter.events(Where("group_chat", round_number, turn), mechanism.take_events(), {})
        asyncio.run(inserter.flush(f"r{round_number}/s{turn}"))
    mechanism.end_round()


if __name__ == "__main__":
    main()
