"""SimpleITK's only door: resampling, distance maps, NRRD."""
