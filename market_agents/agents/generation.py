"""Agents from configuration and seed: role, persona, endowment, private schedule and mind, each from its own stream."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from market_agents.agents.mailbox import PostOffice
from market_agents.agents.market_agent import OFFLINE, MarketAgent
from market_agents.agents.prompts import PromptSet, load_prompts
from market_agents.agents.schedules import Schedules
from market_agents.agents.strategies import STRATEGIES, Strategy, make_strategy
from market_agents.config import LLMConfig, SimulationConfig, read_environment
from market_agents.config.traders import TraderConfig, assign_traders
from market_agents.economics.ticks import TickScale
from market_agents.errors import UserError
from market_agents.inference import DoorEmbedder, LLMOrchestrator, MemoryJournal, ModelDoor, build_endpoints
from market_agents.memory import Bm25, ByEmbeddings, Memory, Recent, Retriever
from market_agents.personas import Persona, generate_persona, load_personas
from market_agents.rng import RandomStreams, draw_seed


def generate_agents(
    config: SimulationConfig, door: ModelDoor | None = None, prompts: PromptSet | None = None
) -> list[MarketAgent]:
    """All agents of a run; the first n are the same in a larger population.

    Args:
        config: the whole configuration; without a seed one is drawn.
        door: the run's door to models; one with a journal in memory by default.
        prompts: the templates that agents are asked with; the configured ones by default.

    Raises:
        UserError: an unknown strategy, schedules that do not fit, a missing key, or mistakes in the folder of
            personas or in prompts.
    """
    seed = draw_seed() if config.seed is None else config.seed
    streams = RandomStreams(seed).below("agents")
    door = door or _standalone_door(config, seed)
    folder = config.personas.folder
    personas = load_personas(Path(folder)) if folder else ()
    office = PostOffice()
    prompts = prompts or load_prompts(config.prompts)
    schedules = Schedules(config, streams)
    settings = config.agent_config
    roles = [settings.role_of(index) for index in range(1, config.num_agents + 1)]
    return [
        _agent(config, streams, index, personas, door, office, prompts, schedules, entry)
        for index, entry in enumerate(assign_traders(settings.traders, roles), 1)
    ]


def reconfigure(
    agents: Sequence[MarketAgent], config: SimulationConfig, former: SimulationConfig, door: ModelDoor
) -> None:
    """Have agents ask and remember as another configuration says; who they are, and which entry is theirs, stays."""
    entries = {entry.name: entry for entry in minds(config)}
    for agent in agents:
        mind = entries[agent.llm_config.name]
        agent.llm_config = mind
        agent.llm_orchestrator.configure(mind, max_asks=config.max_asks, tool_mode=_tool_mode(config, mind))
        if config.memory != former.memory:
            agent.memory.go_on_as(_memory(config, door))


def minds(config: SimulationConfig) -> Sequence[LLMConfig]:
    """The entries that can answer for an agent: models, and the stand-in that speaks for strategies."""
    settings = config.agent_config
    models = [_model(config, entry.model) for entry in settings.traders if entry.model is not None]
    strategies = any(entry.strategy is not None for entry in settings.traders)
    candidates = [
        *(_candidates(config) if settings.use_llm else ()),
        *models,
        *((OFFLINE,) if strategies or not settings.use_llm else ()),
    ]
    return tuple({entry.name: entry for entry in reversed(candidates)}.values())[::-1]


def _candidates(config: SimulationConfig) -> Sequence[LLMConfig]:
    """The entries from which agents draw whom no entry of ``traders`` names."""
    return config.llm_configs if config.agent_config.use_llm and config.llm_configs else (OFFLINE,)


def asked_entries(config: SimulationConfig) -> Sequence[LLMConfig]:
    """Every entry that a run may ask: its agents' minds, the one that makes embeddings, and the judge."""
    entries = list(minds(config))
    named = {config.memory.embeddings} if config.memory.retrieval == "embeddings" else set()
    named |= {config.judge.model} if config.judge else set()
    entries += [entry for entry in config.llm_configs if entry.name in named and entry not in entries]
    return entries


def _memory(config: SimulationConfig, door: ModelDoor) -> Memory:
    settings = config.memory
    retriever: Retriever = Bm25() if settings.retrieval == "bm25" else Recent()
    if settings.retrieval == "embeddings":
        entry = next(entry for entry in config.llm_configs if entry.name == settings.embeddings)
        retriever = ByEmbeddings(DoorEmbedder(door, entry))
    return Memory(
        window=settings.window,
        messages=settings.messages,
        enabled=settings.enabled,
        recalled=settings.k,
        kept=settings.keep,
        kinds=settings.kinds,
        retriever=retriever,
        note_length=settings.scratchpad_length if settings.scratchpad else 0,
    )


def _model(config: SimulationConfig, name: str) -> LLMConfig:
    """The entry of that name; where there is only the stand-in, it answers for every model."""
    return next((entry for entry in config.llm_configs if entry.name == name), config.llm_configs[0])


def _mind(config: SimulationConfig, trader: TraderConfig | None, rng: Random) -> LLMConfig:
    if trader is None:
        candidates = _candidates(config)
        return rng.choices(candidates, [candidate.weight for candidate in candidates])[0]
    return OFFLINE if trader.model is None else _model(config, trader.model)


def _strategy_name(config: SimulationConfig, trader: TraderConfig | None) -> str | None:
    if trader is not None:
        return trader.strategy
    return None if config.agent_config.use_llm else config.agent_config.strategy


def _agent(
    config: SimulationConfig,
    streams: RandomStreams,
    index: int,
    personas: Sequence[Persona],
    door: ModelDoor,
    office: PostOffice,
    prompts: PromptSet,
    schedules: Schedules,
    trader: TraderConfig | None,
) -> MarketAgent:
    settings = config.agent_config
    own = streams.below(index)
    role = settings.role_of(index)
    mind = _mind(config, trader, own.stream("mind"))
    strategy = _strategy_name(config, trader)
    return MarketAgent(
        id=f"agent_{index}",
        role=role,
        persona=personas[(index - 1) % len(personas)]
        if personas
        else generate_persona(own.stream("persona"), role),
        llm_config=mind,
        index=index,
        endowment=schedules.endowment(index),
        units=schedules.at_start(index),
        strategy=None if strategy is None else _strategy(config, trader, strategy),
        strategy_name=strategy,
        llm_orchestrator=LLMOrchestrator(
            door,
            mind,
            max_asks=config.max_asks,
            tool_mode=_tool_mode(config, mind),
        ),
        post_office=office,
        prompts=prompts,
        memory=_memory(config, door),
    )


def _strategy(config: SimulationConfig, trader: TraderConfig | None, name: str) -> Strategy:
    if name not in STRATEGIES and ":" not in name:
        key = "strategy" if trader is None else "traders"
        raise UserError(
            f"agent_config.{key}: {name!r} is unknown; known are {', '.join(STRATEGIES)}, fixed:PRICE"
        )
    return make_strategy(name, config.agent_config.max_relative_spread, TickScale(config.tick))


def _tool_mode(config: SimulationConfig, mind: LLMConfig) -> bool:
    return config.tool_mode if mind.tool_mode is None else mind.tool_mode


def _standalone_door(config: SimulationConfig, seed: int) -> ModelDoor:
    endpoints = build_endpoints(
        asked_entries(config),
        environment=read_environment(Path.cwd()),
        request_limits=config.request_limits,
        seed=seed,
    )
    return ModelDoor(endpoints, MemoryJournal())
