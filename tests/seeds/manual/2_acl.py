from market_agents.agents.protocols.acl_message import ACLMessage

# Create a message using ACL protocol
message = ACLMessage(
    sender="agent_1",
    receiver="agent_2",
    content="What's your analysis of recent tech earnings?",
    performative="query",
    conversation_id="tech_discussion_123",
    reply_with="query_1"
)

# Send the message
await agent.send_message(message)

# Receive and process messages
received_messages = await agent.receive_messages()
for msg in received_messages:
    if msg.performative == "query":
        # Formulate a response
        response = ACLMessage(
            sender=agent.id,
            receiver=msg.sender,
            content="Based on my analysis, tech earnings are exceeding expectations.",
            performative="inform",
            conversation_id=msg.conversation_id,
            in_reply_to=msg.reply_with
        )
        await agent.send_message(response)
