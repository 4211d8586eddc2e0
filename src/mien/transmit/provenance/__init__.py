"""Content Credentials: a signed statement in the film of what it is and what made it (docs/trust.md)."""
