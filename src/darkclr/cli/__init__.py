"""The command line."""

from jsonargparse import set_parsing_settings

# A configuration names classes of darkclr's or of your own: never os, subprocess and their like.
set_parsing_settings(import_path_denylist=[])
