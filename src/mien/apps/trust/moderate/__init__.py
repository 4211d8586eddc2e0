"""Scripts are checked before anybody says them: passed, held for a person, or refused (docs/trust.md)."""
