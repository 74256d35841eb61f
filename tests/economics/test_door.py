import market_agents.economics as door


def test_everything_behind_the_door_exists_and_nothing_else_is_promised() -> None:
    assert sorted(door.__all__) == [
        "Accounts",
        "Equilibrium",
        "Holding",
        "LossAudit",
        "MAX_TICKS",
        "Movement",
        "MovementKind",
        "Order",
        "OrderStatus",
        "Side",
        "TickScale",
        "Trade",
        "allocative_efficiency",
        "audit_losses",
        "bid_ask_spread",
        "book_depth",
        "buyer_surplus",
        "competitive_equilibrium",
        "deviation_by_trade_number",
        "equilibrium_profit",
        "generate_schedule",
        "gini",
        "late_share",
        "price_autocorrelation",
        "profit_dispersion",
        "rank_correlation",
        "relative_spread",
        "seller_surplus",
        "slope",
        "smith_alpha",
        "spread_base",
    ]
    assert all(hasattr(door, name) for name in door.__all__)
