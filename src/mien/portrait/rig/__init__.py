"""What moves: mesh, rest pose, 52 shapes, and the layers that a mesh cannot show."""
