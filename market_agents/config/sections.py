"""The sections of a configuration: agents, models, limits, database, memory, personas."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, Strict, StringConstraints, model_validator

from market_agents.config.checks import entry_mistakes
from market_agents.config.fields import Goods, Money, Port, Price, StrictModel, Text, VariableName, WebAddress
from market_agents.config.findings import raise_findings
from market_agents.config.schedules import ScheduleConfig
from market_agents.config.traders import TraderConfig, trader_mistakes


class AgentConfig(StrictModel):
    """What agents own and what goods are worth to them."""

    num_units: int = Field(
        default=1, ge=1, le=1000, description="Units each agent may trade per renewal, 1 to 1,000."
    )
    buyer_base_value: Price = Field(
        default=120.0, description="Worth of a buyer's first unit, in currency, above 0 to 1e9."
    )
    seller_base_value: Price = Field(
        default=80.0, description="Cost of a seller's first unit, in currency, above 0 to 1e9."
    )
    base_value_spread: float = Field(
        default=0.0,
        ge=0,
        le=0.95,
        description="Relative half-width of the uniform draw of each agent's own base value, 0 to 0.95.",
    )
    noise_factor: float = Field(
        default=0.05,
        ge=0,
        le=0.9,
        description="Largest relative step from one unit's value to the next, 0 to 0.9.",
    )
    max_relative_spread: float | None = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Bound of opening offers of agents without a model, relative to the value, 0 to 1; null for none.",
    )
    use_llm: bool = Field(
        default=True,
        description="Whether a model decides; false leaves it to the strategy.",
    )
    strategy: Text = Field(
        default="zi_c",
        description="Trading strategy of agents without a model, by its name.",
    )
    traders: Annotated[tuple[TraderConfig, ...], Strict(False), Field(max_length=1000)] = Field(
        default=(),
        description="A mixed population: strategies and models, each with a share or a list of agents.",
    )
    buyer_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of buyers, 0 to 1; at 0.5 roles alternate, agent_1 being a buyer.",
    )
    buyer_initial_cash: Money = Field(default=1000.0, description="A buyer's cash, in currency, 0 to 1e9.")
    buyer_initial_goods: Goods = Field(default=0, description="A buyer's goods, in whole units, 0 to 1e9.")
    seller_initial_cash: Money = Field(default=0.0, description="A seller's cash, in currency, 0 to 1e9.")
    seller_initial_goods: Goods = Field(
        default=10,
        description="A seller's goods, in whole units, 0 to 1e9.",
    )
    good_name: Text = Field(default="strawberry", description="The good that agents trade.")
    schedule: ScheduleConfig | None = Field(
        default=None, description="Values and costs; null means kind base, with the keys above."
    )

    @model_validator(mode="after")
    def _check(self) -> AgentConfig:
        raise_findings((("traders", *path), message) for path, message in trader_mistakes(self.traders))
        return self

    def buyers_among(self, agents: int) -> int:
        """How many of the first ``agents`` agents are buyers; one more agent changes nobody's role."""
        numerator, denominator = _exactly(self.buyer_share)
        return -(-agents * numerator // denominator)

    def role_of(self, index: int) -> Literal["buyer", "seller"]:
        """The role of the agent with this index, counted from 1."""
        return "buyer" if self.buyers_among(index) > self.buyers_among(index - 1) else "seller"

    def rank_of(self, index: int) -> int:
        """How many agents of the same role come before the agent with this index, counted from 1."""
        buyers = self.buyers_among(index)
        return (buyers if self.role_of(index) == "buyer" else index - buyers) - 1


@cache
def _exactly(share: float) -> tuple[int, int]:
    """The ratio of whole numbers that a share's shortest decimal names."""
    return Fraction(repr(share)).as_integer_ratio()


class LLMConfig(StrictModel):
    """One model that agents may think with."""

    name: Text = Field(description="Name of the entry, unique; stored with each agent.")
    client: Literal["openai", "offline", "vllm", "litellm"] = Field(
        default="openai",
        description="openai for every OpenAI-compatible endpoint, offline for the rule-based stand-in; "
        "the old names vllm and litellm mean openai with a base_url.",
    )
    model: Text = Field(
        default="offline",
        description="The provider's name of the model; needed unless offline.",
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Sampling temperature, 0 to 2; null leaves it to the provider.",
    )
    max_tokens: int = Field(
        default=1024, ge=1, le=1_000_000, description="Longest answer, in tokens, 1 to 1,000,000."
    )
    use_cache: bool = Field(
        default=False,
        description="Keep whole valid answers for later runs, which are given them at the same place for nothing.",
    )
    base_url: WebAddress | None = Field(
        default=None,
        description="Address of the endpoint, up to /v1; null means OPENAI_BASE_URL, else OpenAI's own.",
    )
    api_key_env: VariableName | None = Field(
        default=None,
        description="Name of the environment variable that holds the key; null means OPENAI_API_KEY, "
        "or no key where base_url is given.",
    )
    timeout: float = Field(
        default=60.0, gt=0, le=3600, description="Longest wait of one attempt, in seconds, to 3,600."
    )
    total_timeout: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="Longest wait of one ask with all its attempts, in seconds, to 86,400.",
    )
    input_price: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="US dollars for a million tokens of prompt, 0 to 1e6; null means the price list's.",
    )
    output_price: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="US dollars for a million tokens of answer, 0 to 1e6; null means the price list's.",
    )
    execution: Literal["live", "batch"] | None = Field(
        default=None,
        description="live or batch, as the run's key of this name, which null means; what says live anywhere is live.",
    )
    batch_price_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="What an answer in a batch costs, as a share of its live price, 0 to 1; null means the list's "
        "price for batches, or the full price where it has none or the entry names its own prices.",
    )
    other_model: Literal["warn", "stop"] = Field(
        default="warn",
        description="What to do when another model answers than the one asked for: warn once for each name, or stop "
        "the run, which can be resumed; a dated version of the model is no other.",
    )
    weight: float = Field(
        default=1.0, ge=0, le=1e6, description="Share of agents that get this model, relative, 0 to 1e6."
    )
    tool_mode: bool | None = Field(
        default=None,
        description="Ask for tool calls instead of a response format; null means the run's tool_mode.",
    )

    @property
    def provider(self) -> Literal["openai", "offline"]:
        """The client without the old names."""
        return "offline" if self.client == "offline" else "openai"

    @model_validator(mode="after")
    def _check(self) -> LLMConfig:
        raise_findings(entry_mistakes(self.model_dump(exclude_unset=True)))
        return self


class RequestLimits(StrictModel):
    """How fast one endpoint may be asked."""

    max_requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="Attempts a minute, 1 to 10,000,000; null for no limit.",
    )
    max_tokens_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000_000,
        description="Tokens in and out a minute, 1 to 1e10; null for no limit.",
    )
    max_in_flight: int = Field(
        default=64, ge=1, le=10_000, description="Calls awaited at the same time, 1 to 10,000."
    )


class BatchConfig(StrictModel):
    """How batches are made and waited for."""

    poll_interval: float = Field(
        default=30.0,
        ge=0.01,
        le=3600,
        description="Seconds between two looks at a batch, 0.01 to 3,600.",
    )
    max_wait: float = Field(
        default=26.0,
        gt=0,
        le=1000,
        description="Hours after which a batch that has not ended stops the run, resumable, above 0 to 1,000.",
    )
    max_requests: int = Field(
        default=50_000, ge=1, le=1_000_000, description="Asks of one batch at most, 1 to 1,000,000."
    )
    if_lost: Literal["stop", "resend"] = Field(
        default="stop",
        description="What a batch does that the provider knows no more: stop the run, resumable, or go into another, "
        "which may be paid twice; one of stop, resend.",
    )


class DatabaseConfig(StrictModel):
    """Where results go, unless a flag or the environment says otherwise."""

    db_type: Literal["sqlite", "postgres", "postgresql"] | None = Field(
        default=None,
        description="Kind of database; null means postgres where a host or user is named, else sqlite.",
    )
    db_name: Text | None = Field(
        default=None, description="Name of the PostgreSQL database (market_simulation), or the SQLite file."
    )
    db_user: Text | None = Field(default=None, description="PostgreSQL role.")
    db_password: SecretStr | None = Field(
        default=None, description="For old files only; keep the password in .env as DB_PASSWORD."
    )
    db_host: Text | None = Field(default=None, description="PostgreSQL server (localhost).")
    db_port: Port | None = Field(default=None, description="Port of the server, 1 to 65535 (5432).")

    @property
    def is_postgres(self) -> bool:
        """Whether these keys mean PostgreSQL."""
        if self.db_type is not None:
            return self.db_type != "sqlite"
        return self.db_host is not None or self.db_user is not None


Kept = Literal["reflection", "strategy", "heard", "step", "trade", "event"]


def _each_kind_once(kinds: tuple[Kept, ...]) -> tuple[Kept, ...]:
    if len(set(kinds)) < len(kinds):
        raise ValueError("expected each kind once")
    return kinds


class MemoryConfig(StrictModel):
    """What of the past an agent is shown."""

    enabled: bool = Field(default=True, description="Whether agents remember anything at all.")
    window: int = Field(
        default=3,
        ge=0,
        le=100,
        description="How many of its latest reflections, acts and trades are shown to it, of each, 0 to 100.",
    )
    messages: int = Field(
        default=20, ge=0, le=1000, description="Chat messages of this round shown to it, 0 to 1,000."
    )
    kinds: Annotated[tuple[Kept, ...], Strict(False), AfterValidator(_each_kind_once)] = Field(
        default=("reflection", "strategy", "heard", "step", "trade", "event"),
        description="What is kept: reflection, strategy, heard (messages), step (acts), trade, event (what stood out).",
    )
    k: int = Field(
        default=3,
        ge=0,
        le=50,
        description="How many reflections and events older than the window a round brings back, 0 to 50.",
    )
    retrieval: Literal["bm25", "embeddings", "recent"] = Field(
        default="bm25",
        description="Which are brought back: those that share words with the situation (bm25), those nearest in "
        "meaning (embeddings), or the latest (recent).",
    )
    embeddings: Text | None = Field(
        default=None, description="Name of the llm_configs entry that makes embeddings; its weight is 0."
    )
    keep: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description="Reflections and events older than the window that can be brought back, 0 to 10,000; the oldest "
        "are forgotten.",
    )
    scratchpad: bool = Field(
        default=False,
        description="Whether an agent keeps a private note from round to round, rewritten as it reflects.",
    )
    scratchpad_length: int = Field(
        default=1000, ge=50, le=10_000, description="Longest private note, in characters, 50 to 10,000."
    )


Criterion = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Question = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class JudgeConfig(StrictModel):
    """A model that scores what was said or thought in each round."""

    model: Text = Field(description="Name of the llm_configs entry that judges.")
    rubric: dict[Criterion, Question] = Field(
        min_length=1,
        max_length=10,
        description="By a short name in small letters, the question that is answered with a number.",
    )
    lowest: float = Field(default=1.0, ge=-1000, le=1000, description="The worst score.")
    highest: float = Field(default=5.0, ge=-1000, le=1000, description="The best score, above lowest.")
    what: Literal["messages", "perceptions", "reflections"] = Field(
        default="messages",
        description="What is judged: messages (each cohort's conversation), or each agent's perceptions (with the "
        "reasons of its acts) or reflections.",
    )

    @model_validator(mode="after")
    def _check(self) -> JudgeConfig:
        if self.lowest >= self.highest:
            raise_findings([(("highest",), f"expected above lowest ({self.lowest:g}), got {self.highest:g}")])
        return self


class PersonaConfig(StrictModel):
    """Where personas come from."""

    folder: Text | None = Field(
        default=None,
        description="Folder of YAML files, one persona each; null draws personas from the seed.",
    )
