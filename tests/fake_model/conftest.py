"""A client of the fake model."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fake_model.client import Caller
from tests.rig.fake_model_client import FakeModel


@pytest.fixture
async def ask(fake_model: FakeModel) -> AsyncIterator[Caller]:
    caller = Caller(fake_model)
    yield caller
    await caller.client.close()
