message = {
    "sender_id": "agent_1",           # ID of the sending agent
    "content": "I believe tech stocks will outperform in Q3 due to AI advancements.",
    "recipient_id": "all",            # "all" or specific agent ID
    "timestamp": "2025-04-02T12:45:00Z",
    "metadata": {                     # Optional additional information
        "sentiment": "bullish",
        "confidence": 0.85,
        "sources": ["market_analysis", "earnings_reports"]
    }
}
