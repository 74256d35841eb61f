"""What an ask costs, from the price list that ships with genai-prices; an unknown price stays unknown."""

from __future__ import annotations

from decimal import Decimal

import genai_prices

from market_agents.inference.asks import Usage


def cost_of(usage: Usage, model: str, base_url: str | None) -> Decimal | None:
    """US dollars for one reply, or None where the price list does not know the model at that address.

    Args:
        usage: tokens of the reply.
        model: the model's name as the provider returned it.
        base_url: the endpoint's address; None means OpenAI's own.
    """
    tokens = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
    )
    try:
        if base_url is None:
            price = genai_prices.calc_price(tokens, model, provider_id="openai")
        else:
            price = genai_prices.calc_price(tokens, model, provider_api_url=base_url)
    except (LookupError, ValueError):
        return None
    return price.total_price
