"""Prompts as files: one template a message, its placeholders filled by name.

The files beside this module are built in. A run may replace any of them by files of its own; what is wrong with
such a file is told before anything is asked.
"""

from market_agents.agents.prompts.checking import CHANGING, find_mistakes, placeholders
from market_agents.agents.prompts.prompt_set import BUILT_IN, PromptSet, prompts_hash, render, text_hash
from market_agents.agents.prompts.replacing import load_prompts, prompt_mistakes, prompts_to_go_on_with

__all__ = [
    "BUILT_IN",
    "CHANGING",
    "PromptSet",
    "find_mistakes",
    "load_prompts",
    "placeholders",
    "prompt_mistakes",
    "prompts_hash",
    "prompts_to_go_on_with",
    "render",
    "text_hash",
]
