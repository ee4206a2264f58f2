"""Texts in, vectors out: any BERT-family model that transformers reads."""
