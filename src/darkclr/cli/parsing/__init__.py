"""What is typed -> the arguments of a command."""
