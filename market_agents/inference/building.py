"""From configuration to a door: which endpoint answers for which entry of ``llm_configs``, and under which limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from market_agents.config import LLMConfig, RequestLimits, api_key, base_url
from market_agents.errors import UserError
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.limits import Limits, SharedLimits
from market_agents.inference.open_files import fitting
from market_agents.inference.prices import price_of
from market_agents.inference.providers.offline import OfflineProvider
from market_agents.inference.providers.provider import Provider


def build_endpoints(
    configs: Iterable[LLMConfig],
    *,
    environment: Mapping[str, str],
    request_limits: Mapping[str, RequestLimits],
    seed: int,
) -> dict[str, Endpoint]:
    """One endpoint per entry; entries with the same server and key share limits, with the same timeouts all.

    Entries that `request_limits` names are limited each by itself.

    Args:
        configs: the entries of ``llm_configs``.
        environment: variables that hold keys.
        request_limits: by entry name or, for all entries of a client, by client name.
        seed: the run's seed, for the offline stand-in.

    Raises:
        UserError: a key is needed and missing; the message names its variable.
    """
    shared: dict[tuple[object, ...], Endpoint] = {}
    limited: dict[tuple[object, ...], SharedLimits] = {}
    endpoints: dict[str, Endpoint] = {}
    entries = tuple(configs)
    servers = max(sum(entry.client != "offline" for entry in entries), 1)
    for config in entries:
        limited_by = next((name for name in (config.name, config.client) if name in request_limits), None)
        limits = request_limits[limited_by] if limited_by else RequestLimits()
        if config.client != "offline":
            most = fitting(limits.max_in_flight, servers)
            limits = limits.model_copy(update={"max_in_flight": most})
        address = base_url(config, environment)
        secret = api_key(config, environment)
        server = (config.client == "offline", address, secret, limited_by)
        identity = (*server, config.timeout, config.total_timeout)
        if identity not in shared:
            together = limited.setdefault(server, SharedLimits(partial(_limits, limits)))
            provider = _provider(config, address, secret, seed, limits.max_in_flight)
            shared[identity] = Endpoint(provider, together, total_timeout=config.total_timeout)
        endpoints[config.name] = shared[identity]
    return endpoints


def refuse_unknown_prices(configs: Iterable[LLMConfig], environment: Mapping[str, str]) -> None:
    """Make sure that a cap on the cost can be held.

    Raises:
        UserError: a model has no known price; names it, and what to set.
    """
    for config in configs:
        address = base_url(config, environment)
        if config.client != "offline" and price_of(config.model, address, config) is None:
            where = f"at {address}" if address else "at OpenAI"
            raise UserError(
                f"a cap on the cost needs a price, and that of {config.model!r} {where} is unknown: set input_price "
                f"and output_price (US dollars for a million tokens) in the llm_configs entry {config.name!r}, "
                "or cap calls or tokens instead"
            )


def _limits(configured: RequestLimits) -> Limits:
    return Limits(
        max_in_flight=configured.max_in_flight,
        requests_per_minute=configured.max_requests_per_minute,
        tokens_per_minute=configured.max_tokens_per_minute,
    )


def _provider(
    config: LLMConfig, address: str | None, secret: str | None, seed: int, connections: int
) -> Provider:
    if config.client == "offline":
        return OfflineProvider(seed)
    # The provider's library takes half a second to import: only a run that needs it pays.
    from market_agents.inference.providers.openai_batch import OpenAIBatchProvider

    return OpenAIBatchProvider(
        base_url=address,
        api_key=secret,
        key_name=config.api_key_env or "OPENAI_API_KEY",
        timeout=config.timeout,
        connections=connections,
    )
