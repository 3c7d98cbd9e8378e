"""nibabel's only door: volumes and label maps; RAS exists here and nowhere else."""
