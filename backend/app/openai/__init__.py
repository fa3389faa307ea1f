"""The models of OpenAI: whether the service may use them."""
