"""A whole small home as commit 9a6c659 made it, and the script that made it there."""
