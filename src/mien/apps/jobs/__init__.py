"""Many films: a batch file, a store that owns the truth, workers that render (docs/batch.md)."""
