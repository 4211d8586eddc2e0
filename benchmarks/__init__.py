"""How fast and how large: ``make bench`` prints the table, ``make bench-long`` adds the ten-minute film."""
