"""Speed and accuracy, written as tables."""
