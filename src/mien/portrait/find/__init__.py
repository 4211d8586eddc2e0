"""Faces in a picture: boxes, landmarks, pose, the person cut out."""
