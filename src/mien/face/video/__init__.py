"""Face clips from the face in a video: landmarks in, the 52 coefficients and the head's pose out."""
