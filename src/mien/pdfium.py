"""PDFium (pypdfium2) is not safe in two threads at once: whoever calls it holds this lock meanwhile."""

from __future__ import annotations

import threading
from typing import Final

LOCK: Final = threading.Lock()
