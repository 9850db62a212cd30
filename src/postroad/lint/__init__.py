"""What is to be said of a message before it is sent: one rule a file, pure, over any bytes."""
