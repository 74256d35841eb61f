"""The rows of what happened, by what they tell of; `market_agents.insert_simulation_data` writes them."""
