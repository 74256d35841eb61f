"""The fake model's reply to a chat completion request, before any fault is worked into it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from market_agents.fake_model.answers import AnswerWriter, Path, Schema, sentence

_HEEDED = ("model", "messages", "response_format", "tools", "tool_choice")
_CREATED = 1_767_225_600
_CHARACTERS_PER_TOKEN = 4


@dataclass
class Reply:
    """One chat completion, still open to change.

    ``value`` is the structured answer that ``text`` writes out (None for plain text); ``choices`` and
    ``numbers`` are the paths in it that hold a choice from an enumeration or a number. With ``tool`` set, the
    text is the arguments of a call to that function.
    """

    key: str
    model: str
    text: str | None
    tool: str | None = None
    value: Any = None
    choices: list[Path] = field(default_factory=list)
    numbers: list[Path] = field(default_factory=list)
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: dict[str, float] | None = None

    def encode(self) -> bytes:
        """The JSON document that goes over the wire."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text, "refusal": self.refusal}
        if self.tool is not None and self.text is not None:
            call = {"name": self.tool, "arguments": self.text}
            message["content"] = None
            message["tool_calls"] = [{"id": f"call_{self.key[:16]}", "type": "function", "function": call}]
        document = {
            "id": f"chatcmpl-{self.key[:24]}",
            "object": "chat.completion",
            "created": _CREATED,
            "model": self.model,
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
            ],
        }
        if self.usage is not None:
            document["usage"] = self.usage
        return json.dumps(document).encode()


def request_hash(body: dict[str, Any]) -> str:
    """SHA-256 (hex) of what the reply depends on, the same for every spelling of the same JSON."""
    heeded = {name: body.get(name) for name in _HEEDED}
    return hashlib.sha256(json.dumps(heeded, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def compose(body: dict[str, Any], key: str, seed: int) -> Reply:
    """The reply to a request.

    Args:
        body: the request.
        key: its ``request_hash``.
        seed: of the server; another seed gives other answers to the same requests.
    """
    prompt = prompt_text(body)
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    schema, tool = _wanted(body, prompt)
    reply = Reply(key=key, model=str(body.get("model")), text=None, tool=tool)
    if schema is None:
        reply.text = sentence(digest)
    else:
        lowered = prompt.lower()
        writer = AnswerWriter(schema, digest, buys=lowered.count("buyer") > lowered.count("seller"))
        reply.value = writer.write()
        reply.text = json.dumps(reply.value)
        reply.choices, reply.numbers = writer.choices, writer.numbers
    if tool is not None:
        # As OpenAI does: a call of a function that the request names ends with "stop".
        reply.finish_reason = "tool_calls" if body["tool_choice"] == "required" else "stop"
    asked = max(1, len(prompt) // _CHARACTERS_PER_TOKEN)
    answered = max(1, len(reply.text) // _CHARACTERS_PER_TOKEN)
    reply.usage = {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }
    return reply


def response_format(body: dict[str, Any]) -> str:
    """The type of the request's response format, ``text`` where it names none."""
    wanted = body.get("response_format")
    return str(wanted.get("type", "text")) if isinstance(wanted, dict) else "text"


def prompt_text(body: dict[str, Any]) -> str:
    """The text of all messages, one after the other."""
    texts: list[str] = []
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts += [str(part["text"]) for part in content if "text" in part]
    return "\n".join(texts)


def _wanted(body: dict[str, Any], prompt: str) -> tuple[Schema | None, str | None]:
    """The schema that the answer must follow, if any, and the function to call, if one is forced."""
    forced = _forced_function(body)
    if forced is not None:
        return forced.get("parameters") or {"type": "object"}, str(forced["name"])
    wanted = body.get("response_format") or {}
    kind = response_format(body)
    if kind == "json_schema":
        return wanted["json_schema"]["schema"], None
    if kind == "json_object":
        free = {"type": "object", "properties": {"answer": {"type": "string"}}}
        return wanted.get("schema") or _schema_in(prompt) or free, None
    return _schema_in(prompt), None


def _forced_function(body: dict[str, Any]) -> dict[str, Any] | None:
    functions: list[dict[str, Any]] = [tool["function"] for tool in body.get("tools") or ()]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return next(one for one in functions if one["name"] == choice["function"]["name"])
    return functions[0] if choice == "required" else None


def _schema_in(prompt: str) -> Schema | None:
    """The first JSON schema of an object that is written out in a prompt, as a model would follow it."""
    if '"properties"' not in prompt:
        return None
    decoder = json.JSONDecoder()
    start = prompt.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(prompt, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(found, dict) and isinstance(found.get("properties"), dict):
                return found
        start = prompt.find("{", end)
    return None
