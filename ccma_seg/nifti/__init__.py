"""Volumes and label maps as NIfTI files; RAS exists here and nowhere else.

Reading (nibabel's only door) and writing are apart, as whoever writes need not wait for nibabel.
"""
