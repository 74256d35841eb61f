"""A server that answers like a language model without being one, for trying a configuration without paying.

Replies are a pure function of the request and a seed; the ledger tells what was asked, whoever received the answer;
fault rules make the server fail in the ways in which real ones do. It listens on this machine alone.
"""

from market_agents.fake_model.faults import KINDS, MALFORMED, Rule, parse_rules
from market_agents.fake_model.server import LOOPBACK, Options, serve

__all__ = ["KINDS", "LOOPBACK", "MALFORMED", "Options", "Rule", "parse_rules", "serve"]
