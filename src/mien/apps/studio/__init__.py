"""Studio: a project file becomes a finished short."""
