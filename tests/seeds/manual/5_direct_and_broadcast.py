# Direct message to a specific agent
direct_message = {
    "message": "What's your specific view on Apple's stock?",
    "recipient_id": "agent_2",  # Specific recipient
    "metadata": {"private": True}
}

# Broadcast message to all agents
broadcast_message = {
    "message": "I'd like to hear everyone's thoughts on the tech sector outlook.",
    "recipient_id": "all",  # All participants
    "metadata": {"topic": "tech_outlook"}
}
