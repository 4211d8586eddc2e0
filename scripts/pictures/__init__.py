"""Drawings of the studio's templates, written as SVG."""
