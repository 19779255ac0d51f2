"""From a photo to its faces: finder, landmarks, crops, quality."""
