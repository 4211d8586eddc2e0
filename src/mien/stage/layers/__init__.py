"""What can lie in a picture: colours, pictures, videos, people; each a :class:`~mien.stage.layer.Layer`."""
