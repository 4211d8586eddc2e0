"""The invisible mark: who made this picture, told by the picture itself."""
