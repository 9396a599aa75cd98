"""What a scene is made of besides colour: depth, and the segments that resemble things."""
