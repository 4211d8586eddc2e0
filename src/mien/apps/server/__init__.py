"""The server: sessions over HTTP and WebSockets, their pictures and sound, and the APIs that others' clients speak.

:func:`mien.apps.server.app.create_app` makes it; ``mien serve`` runs it.
"""
