"""What is told of a session by itself: the message, the channels it goes to, and which have had it."""
