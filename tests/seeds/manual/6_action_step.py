class GroupChatActionStep(ActionStep):
    async def execute(self, agent):
        # Get current chat state
        chat_state = agent.environments[self.environment_name].get_global_state(agent_id=agent.id)
        
        # Process received messages
        received_messages = chat_state.get("round_messages", [])
        
        # Generate response based on received messages
        response = await agent.llm_orchestrator.generate(
            model=agent.llm_config.model,
            messages=[
                {"role": "system", "content": self.construct_prompt(agent, received_messages)}
            ]
        )
        
        # Format and send the response
        action = {
            "message": response.content,
            "recipient_id": "all",
            "metadata": {"round": chat_state.get("current_round", 0)}
        }
        
        # Execute the action
        observation = agent.environments[self.environment_name].step(action)
        
        return response.content
