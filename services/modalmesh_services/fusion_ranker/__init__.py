"""Embeddings and histories in, fused vectors, probabilities and reasons out."""
