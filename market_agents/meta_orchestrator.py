"""Where a run starts: configuration, run, agents, environments in their order, round after round, status.

``python -m market_agents.meta_orchestrator [--config F] [--environments group_chat auction ...]``
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # The command line stands above this module and is found by name, so that nothing here imports upwards. Started
    # as a file, the folder of the package is on the path instead of the folder above it.
    import os.path
    import runpy

    if not __package__:
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    sys.argv[1:1] = ["run"]
    runpy.run_module("market_agents", run_name="__main__")
    raise SystemExit

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from market_agents import __version__
from market_agents.agents.generation import asked_entries, generate_agents, reconfigure
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.preferences import Preferences
from market_agents.agents.prompts import (
    BUILT_IN,
    PromptSet,
    load_prompts,
    prompts_to_go_on_with,
)
from market_agents.agents.schedules import Schedules
from market_agents.base_orchestrator import (
    BaseOrchestrator,
    RunContext,
    orchestrator_class,
)
from market_agents.config import (
    EarlierRounds,
    SimulationConfig,
    config_hash,
    config_of_round,
    config_to_mapping,
    database_url,
    read_environment,
)
from market_agents.economics.accounts import Accounts
from market_agents.economics.ticks import TickScale
from market_agents.errors import (
    BudgetExhausted,
    DatabaseAway,
    EndpointUnusable,
    MarketAgentsError,
    RunRefused,
    Stopped,
    UserError,
)
from market_agents.failpoints import reach
from market_agents.inference import (
    Amount,
    BatchSettings,
    Budget,
    MemoryJournal,
    ModelDoor,
    build_endpoints,
    refuse_unknown_prices,
)
from market_agents.insert_simulation_data import SimulationDataInserter
from market_agents.interruption import stoppable, to_the_end
from market_agents.judge_orchestrator import judge_round
from market_agents.logger_utils import SimulationLogger
from market_agents.monitoring import Monitor
from market_agents.output import counted
from market_agents.personas import Persona, balance_in_words, persona_balance
from market_agents.redaction import Redactor, secrets_in
from market_agents.rng import RandomStreams, draw_seed
from market_agents.run_ends import RunResult, Start
from market_agents.storage import (
    Database,
    Lease,
    Run,
    RunStatus,
    StoredJournal,
    acquire,
    create_run,
    delete_run,
    fetch,
    get_run,
    open_database,
    set_status,
    spending,
)
from market_agents.telemetry import Attributes, exporting, span
from market_agents.whole_config import load_config

__all__ = ["MetaOrchestrator", "RunResult", "Start", "load_config", "new_run_id"]

PROMPTS_MARK = "+prompts."


class MetaOrchestrator:
    """One run, from configuration to status.

    Args:
        config: as from `load_config`.
        start: afresh by default.
        database: address that wins over environment and configuration.
        folder: where ``.env`` and the default SQLite file are; the working directory by default.
        earlier: for a fork, the rounds that it shares with its ancestors, in order.

    Attributes:
        last_words: what is told where somebody insists on ending the process at once.
    """

    def __init__(
        self,
        config: SimulationConfig,
        *,
        start: Start | None = None,
        database: str | None = None,
        folder: Path | None = None,
        earlier: Sequence[EarlierRounds] = (),
    ) -> None:
        self.start = start or Start()
        self.folder = folder or Path.cwd()
        if config.seed is None:
            config = config.model_copy(update={"seed": draw_seed()})
        self.config = config
        self.earlier = tuple(earlier)
        self.seed: int = config.seed if config.seed is not None else 0
        self.run_id = self.start.run_id or new_run_id()
        self.variables = read_environment(self.folder)
        self.database_url = database_url(config.database_config, self.variables, database, self.folder)
        named = [entry.api_key_env for entry in config.llm_configs if entry.api_key_env]
        self.redact = Redactor(secrets_in({**self.variables, "DATABASE_URL": self.database_url}, named))
        self.display = SimulationLogger(TickScale(config.tick))
        goes_on = self.start.resume or self.start.replay
        self.prompts = BUILT_IN if goes_on or self.start.parent_run_id else load_prompts(config.prompts)
        # A replay asks nobody, and so needs no key.
        endpoints = (
            {}
            if self.start.replay
            else build_endpoints(
                asked_entries(config),
                environment=self.variables,
                request_limits=config.request_limits,
                seed=self.seed,
            )
        )
        self.door = ModelDoor(
            endpoints,
            MemoryJournal(),
            run_id=self.run_id,
            replay=self.start.replay,
            budget=Budget(config.budget),
            batches=BatchSettings(
                poll_interval=config.batch.poll_interval,
                max_wait=config.batch.max_wait * 3600,
                max_requests=config.batch.max_requests,
                resends_lost=config.batch.if_lost == "resend",
            ),
            is_batched=lambda entry, scope: config.is_batched(entry, scope.environment),
        )
        if self.door.budget.counts_cost and not self.start.replay:
            refuse_unknown_prices(asked_entries(config), self.variables)
        self.rounds_done = 0
        self.last_words: Callable[[], str] = str
        self.run_is_stored = False
        self.database_display = ""

    def run(self) -> RunResult:
        """Run to the end. Inside a running event loop await `run_simulation` instead.

        Raises:
            MarketAgentsError: with the exit code that the command line gives.
        """
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            raise UserError("an event loop runs already, as in a notebook: use `await ….run_simulation()`")
        # Out here, or all that goes wrong in the run would seem to come of there being no loop before it.
        return asyncio.run(self.run_simulation())

    async def run_simulation(self) -> RunResult:
        """Run to the end, or until something stops the run; its status is stored in every case."""
        agents = generate_agents(self.config_of(1), self.door, self.prompts)
        database = await asyncio.to_thread(open_database, self.database_url)
        self.database_display = database.display
        try:
            lease = self._begin(database)
            self.run_is_stored = True
            reach("run.owned")
            for agent in agents:
                agent.prompts = self.prompts
            try:
                async with exporting(os.environ, self.redact):
                    with span("run", self._as_span()):
                        await self._run_with(lease, agents)
            finally:
                lease.release()
        finally:
            database.close()
        return self.result(RunStatus.COMPLETED)

    def _as_span(self) -> Attributes:
        return {
            "gen_ai.conversation.id": self.run_id,
            "market_agents.seed": self.seed,
            "market_agents.agents": self.config.num_agents,
            "market_agents.rounds": self.config.max_rounds,
            "market_agents.resumed": self.start.resume,
            "market_agents.replay": self.start.replay,
        }

    def config_of(self, round_number: int) -> SimulationConfig:
        """The configuration under which a round runs; a fork's first rounds run under its parent's."""
        return config_of_round(round_number, self.config, self.earlier)

    def result(self, status: RunStatus) -> RunResult:
        """What the run came to so far."""
        tally = self.door.tally
        return RunResult(
            run_id=self.run_id,
            status=status.value,
            database=self.database_display,
            seed=self.seed,
            rounds=self.rounds_done,
            asks=tally.asked,
            model_calls=tally.attempts,
            replayed=tally.replayed,
            from_cache=tally.from_cache,
            prompt_tokens=tally.prompt_tokens,
            cached_tokens=tally.cached_tokens,
            completion_tokens=tally.completion_tokens,
            cost=tally.cost,
            unpriced=tuple(sorted(tally.unpriced)),
        )

    def _begin(self, database: Database) -> Lease:
        goes_on = self.start.resume or self.start.replay
        origin = self.run_id if goes_on else self.start.parent_run_id
        if origin is not None:
            check_same_program(get_run(database, origin), force=self.start.force)
            self.prompts = prompts_to_go_on_with(
                fetch(database, "prompts", origin),
                self.config.prompts,
                # A replay asks nobody: the journal itself tells whether a prompt is the one that was answered.
                force=self.start.force or self.start.replay,
            )
        if goes_on:
            return acquire(database, self.run_id)
        return create_run(
            database,
            run_id=self.run_id,
            seed=self.seed,
            config=config_to_mapping(self.config),
            config_hash=config_hash(self.config),
            code_version=code_version(self.prompts),
            parent_run_id=self.start.parent_run_id,
            fork_round=self.start.fork_round,
        )

    async def _run_with(self, lease: Lease, agents: Sequence[MarketAgent]) -> None:
        journal = StoredJournal(lease)
        self.door.journal = journal
        if not self.start.replay:
            before = spending(lease.database, self.run_id)
            self.door.budget.begin(Amount(before.calls, before.tokens, before.cost))
            set_status(lease, RunStatus.RUNNING)
        with stoppable(self.last_words) as stop:
            try:
                with stop.as_interruption():
                    async with self.door, self._watched(lease):
                        self.door.budget.hold(self.door.reserved_in_batches)
                        await self._rounds(lease, agents)
            except BaseException as error:  # whatever ends a run, its status is stored
                ending = await to_the_end(partial(self._settle, lease, journal, error))
                if ending is error:
                    raise
                raise ending from error
            await to_the_end(partial(self._complete, lease, journal))

    def _watched(self, lease: Lease) -> AbstractAsyncContextManager[object]:
        """What takes samples of the machine meanwhile; a replay leaves none."""
        if self.start.replay:
            return nullcontext()
        return Monitor(lease, lambda: self.door.tally.in_flight, lambda: self.rounds_done + 1)

    def _complete(self, lease: Lease, journal: StoredJournal) -> None:
        journal.close()
        reach("status.before")
        if not self.start.replay:
            set_status(lease, RunStatus.COMPLETED)

    def _settle(self, lease: Lease, journal: StoredJournal, error: BaseException) -> BaseException:
        """Store how the run ended, and return the error that tells it.

        A fresh run that was refused before its first answer leaves no trace. Where there are answers they are kept,
        and the same mistake stops the run until it is mended.
        """
        journal.close()
        if self.start.replay or isinstance(error, DatabaseAway):
            return error  # a run whose process is gone is listed as interrupted anyway
        if isinstance(error, UserError):
            if not self.start.resume and self.door.tally.asked == self.door.tally.replayed:
                lease.release()
                delete_run(lease.database, self.run_id)
                self.run_is_stored = False
                return error
            error = Stopped(error.reason if isinstance(error, EndpointUnusable) else str(error))
        stopped = isinstance(error, Stopped | asyncio.CancelledError | KeyboardInterrupt)
        status = RunStatus.INTERRUPTED if stopped else RunStatus.FAILED
        if isinstance(error, BudgetExhausted):
            status = RunStatus.BUDGET_EXHAUSTED
        # What keeps the status from being stored is told by no error of its own: it would hide the first one.
        with suppress(MarketAgentsError):
            set_status(lease, status, error=self.redact(str(error)) or type(error).__name__)
        return error

    async def _rounds(self, lease: Lease, agents: Sequence[MarketAgent]) -> None:
        config = self.config_of(1)
        inserter = SimulationDataInserter(lease, tick_size=config.tick, keeps_notes=not self.start.replay)
        began = "resumed" if self.start.resume else "started"
        inserter.note(
            "info", began, f"run {began}", {"version": code_version(self.prompts), "forced": self.start.force}
        )
        self._tell_what_was_in_flight(inserter)
        self._tell_balance(inserter, agents)
        streams = RandomStreams(self.seed)
        schedules = Schedules(config, streams.below("agents"))
        accounts = _open_accounts(agents, [good.name for good in schedules.goods])
        inserter.prompts(self.prompts)
        await inserter.flush("prompts")
        preferences = Preferences(agents, accounts, schedules)
        context = RunContext(
            config, agents, accounts, preferences, streams, self.door, inserter, self.display, self.redact
        )
        # A market may open accounts of its own, which belong to the endowment too.
        environments = self._environments(context)
        inserter.population(agents)
        inserter.ledger(0, None, accounts)
        inserter.allocations(0, accounts)
        await inserter.flush("population")
        for round_number in range(1, self.config.max_rounds + 1):
            self.display.round(round_number, self.config.max_rounds)
            environments = self._turn_to(self.config_of(round_number), context, environments)
            before = (self.door.tally.asked, self.door.tally.unanswered, context.failures.total())
            _begin_round(round_number, context)
            with span("round", {"market_agents.round": round_number}):
                for environment in environments:
                    with span(f"environment {environment.name}", {"market_agents.round": round_number}):
                        await environment.run_round(round_number)
            present = self.config_of(round_number)
            await judge_round(present, self.door, inserter, lease.database, self.run_id, round_number)
            inserter.memories(round_number, agents)
            inserter.allocations(round_number, accounts)
            await inserter.flush(f"r{round_number}/end")
            self.rounds_done = round_number
            self._check_abstentions(round_number, context.failures, *before)
        self.display.finished(self.config.max_rounds)

    def _tell_what_was_in_flight(self, inserter: SimulationDataInserter) -> None:
        """Say and note which calls an earlier process may have paid for without getting their answers."""
        keys = self.door.were_in_flight
        if keys:
            worst = self.door.were_worth
            told = (
                f"{counted(len(keys), 'call')} in flight when the run stopped may have been paid: counted at the "
                f"worst, {worst.tokens:,} tokens, ${worst.cost:.4f}"
            )
            self.display.warning(told)
            inserter.note("warning", "perhaps_paid", told, {"request_keys": list(keys)})

    def _tell_balance(self, inserter: SimulationDataInserter, agents: Sequence[MarketAgent]) -> None:
        """Say, and once in a run's life note, whether roles got comparable personas."""
        by_role: dict[str, list[Persona]] = {}
        for agent in agents:
            if isinstance(agent.persona, Persona):
                by_role.setdefault(agent.role, []).append(agent.persona)
        balance = persona_balance(by_role)
        summary = balance_in_words(balance)
        self.display.run(summary)
        if not (self.start.resume or self.start.replay):
            data = {"traits": [asdict(row) for row in balance]}
            inserter.note("info", "persona_balance", summary, data)

    def _environments(
        self, context: RunContext, present: Sequence[BaseOrchestrator[Any]] = ()
    ) -> list[BaseOrchestrator[Any]]:
        """The environments in their order; those that are there already go on under their present configuration."""
        config, known = context.config, {environment.name: environment for environment in present}
        ordered: list[BaseOrchestrator[Any]] = []
        for position, name in enumerate(config.environment_order):
            own = config.environment_configs[name]
            environment = known.get(name)
            if environment is None:
                environment = orchestrator_class(config.environment_type(name))(name, position, own, context)
            else:
                environment.go_on_under(position, own)
            ordered.append(environment)
        return ordered

    def _turn_to(
        self, config: SimulationConfig, context: RunContext, environments: list[BaseOrchestrator[Any]]
    ) -> list[BaseOrchestrator[Any]]:
        """Go on under the configuration of the round that begins; only a fork's changes."""
        if config is context.config:
            return environments
        context.preferences.turn_to(Schedules(config, context.streams.below("agents")))
        reconfigure(context.agents, config, context.config, context.door)
        context.config = config
        return self._environments(context, environments)

    def _check_abstentions(
        self, round_number: int, failures: Counter[str], asked: int, unanswered: int, failed: int
    ) -> None:
        """A run whose minds hardly answer did not do its job."""
        tally = self.door.tally
        failed = failures.total() - failed
        asked = tally.asked - asked + failed
        unanswered = tally.unanswered - unanswered + failed
        if asked and unanswered / asked > self.config.max_abstention_share:
            reasons = tally.reasons + failures
            raise MarketAgentsError(
                f"round {round_number}: {unanswered} of {asked} asks ended without a usable answer "
                f"(max_abstention_share is {self.config.max_abstention_share:g}); "
                f"most often: {reasons.most_common(1)[0][0]}"
            )


def check_same_program(known: Run, *, force: bool) -> None:
    """Refuse to go on with another version of the program than the run began with, unless forced."""
    version = known.code_version.partition(PROMPTS_MARK)[0]
    if version != __version__ and not force:
        raise RunRefused(
            f"run {known.run_id} was made by version {known.code_version}, this is {__version__}; "
            "its journal may not fit (--force tries all the same)"
        )


def code_version(prompts: PromptSet) -> str:
    """What a run is made by: the program's version and that of all its prompts, replaced ones included."""
    return f"{__version__}{PROMPTS_MARK}{prompts.hash[:12]}"


def new_run_id() -> str:
    """A run id that sorts by time and does not collide."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _open_accounts(agents: Sequence[MarketAgent], goods: Sequence[str]) -> Accounts:
    accounts = Accounts(goods)
    for agent in agents:
        accounts.open(agent.id, agent.endowment.cash, agent.endowment.goods)
    return accounts


def _begin_round(round_number: int, context: RunContext) -> None:
    """Renew and open what can be traded in a round, once for all environments, and record it."""
    for good in context.preferences.begin_round(round_number):
        context.inserter.schedules(round_number, good.name, context.agents)
        context.inserter.ledger(round_number, good.market, context.accounts)
        for shock in good.schedule.shocks:
            if shock.round == round_number:
                change = f"values of {good.name} change by {shock.value:+g}, costs by {shock.cost:+g}"
                told = f"from round {round_number} on {change}"
                context.display.run(told)
                data = {"round": round_number, "good": good.name, "value": shock.value, "cost": shock.cost}
                context.inserter.note("info", "shock", told, data)
