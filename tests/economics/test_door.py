import market_agents.economics as door


def test_everything_behind_the_door_exists_and_nothing_else_is_promised() -> None:
    assert sorted(door.__all__) == [
        "Accounts",
        "Equilibrium",
        "Holding",
        "MAX_TICKS",
        "Movement",
        "MovementKind",
        "Order",
        "OrderStatus",
        "Side",
        "TickScale",
        "Trade",
        "allocative_efficiency",
        "buyer_surplus",
        "competitive_equilibrium",
        "equilibrium_profit",
        "generate_schedule",
        "profit_dispersion",
        "seller_surplus",
        "smith_alpha",
        "spread_base",
    ]
    assert all(hasattr(door, name) for name in door.__all__)
