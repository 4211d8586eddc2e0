"""When the words of a transcript are said in a recording."""
