"""What multimodal models are made of: one interface a role, several parts that fill it."""
