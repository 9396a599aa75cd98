"""What a scene is made of besides colour: depth."""
