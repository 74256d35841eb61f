# Get the current state of the group chat
chat_state = agent.environments["group_chat"].get_global_state(agent_id=agent.id)

# Access received messages
received_messages = chat_state.get("round_messages", [])

# Process messages
for message in received_messages:
    sender = message.get("sender_id")
    content = message.get("content")
    # Process the message content
    # ...
