"""Speaking: words become sound with exact times."""
