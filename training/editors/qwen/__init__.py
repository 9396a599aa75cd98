"""Qwen-Image-Edit and Qwen-Image-Edit-Plus (2025), from diffusers' and transformers' classes."""
