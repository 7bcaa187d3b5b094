"""x"""

ROWS: list[tuple[str, str, str | tuple[str, ...]]] = []
