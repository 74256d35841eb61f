import asyncio
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.cognitive_steps import ActionStep
from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment

class GroupChatResponseStep(ActionStep):
    async def execute(self, agent):
        # Get current chat state
        chat_state = agent.environments[self.environment_name].get_global_state(agent_id=agent.id)
        
        # Process received messages
        received_messages = chat_state.get("round_messages", [])
        messages_text = "\n".join([
            f"{msg.get('sender_id')}: {msg.get('content')}" 
            for msg in received_messages
        ])
        
        # Generate response
        prompt = f"""
        You are {agent.role}. {agent.persona}
        
        Current discussion topic: {chat_state.get('current_topic')}
        Current round: {chat_state.get('current_round')} of {chat_state.get('max_rounds')}
        
        Recent messages:
        {messages_text}
        
        Based on your role and the conversation so far, provide your response to the discussion.
        """
        
        response = await agent.llm_orchestrator.generate(
            model=agent.llm_config.model,
            messages=[{"role": "system", "content": prompt}]
        )
        
        # Send the response
        action = {
            "message": response.content,
            "recipient_id": "all"
        }
        
        observation = agent.environments[self.environment_name].step(action)
        
        return response.content

async def run_group_chat_communication(agents, group_chat_env):
    # Run a single round of communication
    results = []
    
    for agent in agents:
        # Run the communication step for each agent
        response = await agent.run_step(
            step=GroupChatResponseStep,
            environment_name="group_chat"
        )
        results.append({
            "agent_id": agent.id,
            "role": agent.role,
            "response": response
        })
    
    return results

# Run the communication example
communication_results = asyncio.run(run_group_chat_communication(agents, group_chat_env))
