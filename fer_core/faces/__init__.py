"""A photo to its faces: finder, landmarks, crops, and what they tell."""
