"""A story in sentences."""
def headline(s): return ""
def remedy_lines(s): return []
