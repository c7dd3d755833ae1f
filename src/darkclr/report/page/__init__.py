"""The page: its frame, its tables and its interactive part."""
