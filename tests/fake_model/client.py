"""Who asks the fake model, and for what."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, Field

from tests.rig.fake_model_client import FakeModel


class Side(Enum):
    BID = "bid"
    ASK = "ask"


class Order(BaseModel):
    action: Literal["bid", "ask", "hold"]
    price: float | None
    quantity: int
    reasoning: str


class Reflection(BaseModel):
    self_reward: Annotated[float, Field(ge=0, le=1)]
    confidence: float
    strategy: list[str]


class Message(BaseModel):
    content: str
    recipient_id: str
    urgent: bool


class Leaf(BaseModel):
    kind: Literal["leaf"]
    weight: Annotated[int, Field(gt=3, lt=5)]


class Tree(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=8)]
    parent: Tree | None
    children: list[Tree]


class Everything(BaseModel):
    """One of each thing that simple models hold."""

    side: Side
    leaf: Leaf
    trees: Annotated[list[Tree], Field(min_length=2, max_length=3)]
    either: int | str
    tags: set[Literal["a", "b", "c"]]
    pair: tuple[int, bool]
    table: dict[str, float]
    day: dt.date
    moment: dt.datetime
    token: uuid.UUID
    amount: Decimal
    nothing: None
    steps: Annotated[int, Field(multiple_of=50)]
    fixed: Annotated[float, Field(ge=2.5, le=2.5)]
    high_price: Annotated[float, Field(gt=140)]
    tight_price: Annotated[float, Field(gt=0.001, lt=0.002)]
    small: Annotated[int, Field(le=-4)]
    free: Any
    optional: int = 3


class Bid(BaseModel):
    side: Literal["bid"]
    price: float


class Ask(BaseModel):
    side: Literal["ask"]
    price: float


class Decision(BaseModel):
    order: Annotated[Bid | Ask, Field(discriminator="side")]


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": model.__name__, "schema": model.model_json_schema(), "strict": True},
    }


class Caller:
    """The real client with the few arguments that these tests vary."""

    def __init__(self, model: FakeModel) -> None:
        self.client = AsyncOpenAI(base_url=model.base_url, api_key="x", max_retries=0, timeout=300)

    async def __call__(self, text: str = "You are a buyer.", **more: Any) -> ChatCompletion:
        more.setdefault("response_format", json_schema(Order))
        answer: ChatCompletion = await self.client.chat.completions.create(
            model="fake-model", messages=[{"role": "user", "content": text}], **more
        )
        return answer

    async def content(self, text: str = "You are a buyer.", **more: Any) -> str:
        content = (await self(text, **more)).choices[0].message.content
        assert content is not None
        return content


def one_entry(model: FakeModel) -> dict[str, Any]:
    [entry] = model.ledger()
    return entry
