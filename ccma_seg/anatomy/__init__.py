"""From a volume to the heart, its blood pools and the mitral annulus."""
