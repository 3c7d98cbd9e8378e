"""What is on disk: find and group series, judge them, read and write them."""
