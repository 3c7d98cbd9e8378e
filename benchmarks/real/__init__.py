"""Real exams: false alarms, misses, noise, and deposits of known place put into them."""
