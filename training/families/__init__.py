"""What the families of editors fix around their transformers: times, tokens, positions, prompts, guidance, sizes."""
