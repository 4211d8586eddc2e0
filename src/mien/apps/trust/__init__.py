"""What makes films answerable: what marks say of a file, who agreed, what may be said (docs/trust.md)."""
