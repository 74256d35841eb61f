"""Ways to get a reply: a served model, or the offline stand-in. Only this room knows a provider's library."""
