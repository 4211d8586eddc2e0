"""The training kit: makes its data, trains the network that listens, exports it and writes its card."""
