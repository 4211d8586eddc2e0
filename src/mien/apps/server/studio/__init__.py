"""The studio behind the page: projects in folders, their files, looks at them, and the queue of films."""
