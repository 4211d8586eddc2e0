"""Thinking: words in, words out: language models, documents, memory, personas."""
