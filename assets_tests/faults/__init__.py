"""The lake when processes are killed, stopped or too many, or when the machine fails."""
