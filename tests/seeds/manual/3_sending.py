# Agent sending a message to the group chat
action = {
    "message": "I've analyzed recent market data and believe tech stocks are undervalued.",
    "recipient_id": "all",  # Send to all agents
    "metadata": {
        "analysis_type": "valuation",
        "confidence": 0.8
    }
}

# Execute the action in the environment
observation = agent.environments["group_chat"].step(action)
